import { expect, test } from "bun:test";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { drain, expectContiguous, makeBatch, spec } from "../../testing/contracts/batches.ts";
import { Sqlite } from "./driver.ts";
import { nothing, open } from "./testing/open.ts";

const MiB = 1024 * 1024;

test("positions and counters of a stream are there after a restart; a forgotten key is gone", () => {
  using dir = tempDir();
  const store = open(dir);
  const position = (key: string, value: string | undefined) => ({ stream: "driving", key, value });
  const counter = (name: string, amount: number) => ({ stream: "driving", name, amount });
  store.commit({ batches: [], positions: [position("a", "1"), position("b", "2")], counters: [counter("read", 3)] });
  const twice = [position("a", "2"), position("a", "3"), position("b", undefined), position("new", undefined)];
  store.commit({ batches: [], positions: twice, counters: [counter("read", 4), counter("read", 5)] });
  const other = { stream: "driving2", key: "a", value: "x" };
  store.commit({ ...nothing, positions: [other] });
  for (const each of [store, reopened(store, dir)]) {
    expect([...each.positions("driving")]).toEqual([["a", "3"]]);
    expect([...each.positions("driving2")]).toEqual([["a", "x"]]);
    expect([...each.counters("driving")]).toEqual([["read", 12]]);
    if (each !== store) each.close();
  }
});

function reopened(store: { close(): void }, dir: TempDir) {
  store.close();
  return open(dir);
}

test("a commit that fails changes nothing, and the same work may be committed again", () => {
  using dir = tempDir();
  const store = open(dir);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const hole = {
    ...nothing,
    batches: [makeBatch(lane, 0, 2), makeBatch(lane, 5, 1)],
    positions: [{ stream: "s", key: "a", value: "1" }],
  };
  expect(() => store.commit(hole)).toThrow("from 5");
  expect([channel.nextSeq(lane), channel.stat().batches, store.positions("s").size]).toEqual([0, 0, 0]);
  const whole = { ...hole, batches: [makeBatch(lane, 0, 2), makeBatch(lane, 2, 1)] };
  store.commit(whole);
  expect([channel.nextSeq(lane), channel.stat().batches, store.positions("s").get("a")]).toEqual([3, 2, "1"]);
  store.close();
});

test("a lane's id is never given twice, in whatever order lanes became durable", () => {
  using dir = tempDir();
  const store = open(dir);
  const channel = store.channel("main");
  const made = ["a", "b", "c"].map((stream) => channel.createLane({ ...spec, stream }));
  store.commit({ ...nothing, batches: made.toReversed().map((lane) => makeBatch(lane, 0, 2)) });
  const again = reopened(store, dir);
  const next = again.channel("main").createLane({ ...spec, stream: "d" });
  again.commit({ ...nothing, batches: [makeBatch(next, 0, 2)] });
  expect(
    again
      .channel("main")
      .lanes()
      .map(({ id }) => id),
  ).toEqual([1, 2, 3, 4]);
  again.close();
});

test("delivered batches are kept a while, by their number, and then given up", () => {
  using dir = tempDir();
  let store = open(dir, {}, { keptBytes: 100_000 });
  let channel = store.channel("main");
  const lane = channel.createLane(spec);
  for (let first = 0; first < 100; first += 10)
    store.commit({ ...nothing, batches: [makeBatch(lane, first, 10, 30_000)] });
  let reader = channel.reader(lane);
  drain(reader);
  store.commit(nothing);
  const keptFirsts = () => [5, 15, 65, 75, 85, 95, 105].map((seq) => reader.kept(seq)?.first);
  expect(keptFirsts()).toEqual([undefined, undefined, undefined, 70, 80, 90, undefined]);
  store.close();
  store = open(dir, {}, { keptBytes: 40_000 });
  channel = store.channel("main");
  const again = channel.lanes()[0];
  if (again === undefined) throw new Error("the lane is gone");
  reader = channel.reader(again);
  expect(keptFirsts()).toEqual([undefined, undefined, undefined, 70, 80, 90, undefined]);
  store.commit(nothing);
  expect(keptFirsts()).toEqual([undefined, undefined, undefined, undefined, undefined, 90, undefined]);
  store.close();
});

test("after a crash the mark is the last durable one, and what may have been sent is not shed", () => {
  using dir = tempDir();
  const first = open(dir);
  const lane = first.channel("main").createLane(spec);
  for (let at = 0; at < 200; at += 10) first.commit({ ...nothing, batches: [makeBatch(lane, at, 10, 400_000)] });
  const reader = first.channel("main").reader(lane);
  const batch = reader.next();
  if (batch !== undefined) reader.acknowledge(batch, "not yet durable");
  first.abandon();

  const store = open(dir, {}, { full: "drop_oldest", bytesMax: 6 * MiB });
  const channel = store.channel("main");
  const again = channel.reader(lane);
  expect(again.mark).toBeUndefined();
  store.commit({ ...nothing, batches: [makeBatch(lane, 200, 10, 400_000)] });
  const given = drain(again);
  expectContiguous(given, 0, 210);
  const shed = given.filter(({ kind }) => kind === "shed");
  expect(shed.length).toBe(1);
  // 4 MB unmarked, one batch in flight and as much as a batch may have: these stay.
  expect(shed[0]?.first).toBeGreaterThanOrEqual(130);
  store.close();
});

test("TTL: time in an earlier boot counts as far as it is known, time switched off does not", () => {
  using dir = tempDir();
  const clock = new VirtualClock();
  let store = open(dir, { clock }, { ttlMs: 60_000 });
  let channel = store.channel("main");
  const lane = channel.createLane(spec);
  store.commit({ ...nothing, batches: [makeBatch(lane, 0, 10, 30_000)] });
  clock.advance(40_000);
  store.commit({ ...nothing, batches: [makeBatch(lane, 10, 10, 30_000)] });
  store.close();
  clock.reboot();
  clock.setWall(0); // a vehicle that thinks it is 1970
  store = open(dir, { clock }, { ttlMs: 60_000 });
  channel = store.channel("main");
  expect(channel.stat()).toMatchObject({ events: 20, oldestMs: undefined });
  clock.setWall(4e12);
  store.commit(nothing);
  expect(channel.stat().events).toBe(20);
  store.close();
  store = open(dir, { clock }, { ttlMs: 60_000 });
  clock.advance(30_000);
  const given = drain(store.channel("main").reader(lane));
  expect(given.map(({ kind, first, count }) => [kind, first, count])).toEqual([
    ["shed", 0, 10],
    ["records", 10, 10],
  ]);
  store.close();
});

test("rows explain themselves to whoever opens the file with sqlite3", () => {
  using dir = tempDir();
  const store = open(dir);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  store.commit({
    batches: [makeBatch(lane, 0, 7)],
    positions: [{ stream: "driving", key: "/var/log/a.log", value: "ino 7, offset 1234" }],
    counters: [{ stream: "driving", name: "read", amount: 7 }],
  });
  const db = new Sqlite(dir.file("channel.db"), { readonly: true });
  expect(db.prepare("SELECT * FROM position").all()).toEqual([
    { stream: "driving", key: "/var/log/a.log", position: "ino 7, offset 1234" },
  ]);
  expect(db.prepare("SELECT * FROM counter").all()).toEqual([{ stream: "driving", counter: "read", value: 7 }]);
  expect(db.prepare("SELECT channel, topic, put, sent, held, held_batches FROM progress").all()).toEqual([
    { channel: "main", topic: "driving", put: 7, sent: 0, held: 7, held_batches: 1 },
  ]);
  db.close();
  store.close();
});
