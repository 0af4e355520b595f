import { expect, test } from "bun:test";
import { copyFileSync, cpSync, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import { type Fields, type Signal, silent } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import type { ChannelChoice } from "../../core/define.ts";
import { drain, expectContiguous, makeBatch, plainChoice } from "../../testing/contracts/channel.contract.ts";
import { Sqlite } from "./driver.ts";
import { type OpenOptions, openChannelStore } from "./open.ts";

const MiB = 1024 * 1024;
const spec = { channel: "main", stream: "driving", topic: "driving", partitioning: { by: "agent" } } as const;
const nothing = { batches: [], positions: [], counters: [] };

function open(dir: TempDir | string, changes: Partial<OpenOptions> = {}, choice: Partial<ChannelChoice> = {}) {
  return openChannelStore({
    dataDir: typeof dir === "string" ? dir : dir.path,
    agent: "agent",
    channels: new Map([["main", plainChoice("sqlite", choice)]]),
    clock: new VirtualClock(),
    random: systemRandom,
    report: silent,
    metrics: new Metrics(),
    machineId: "machine",
    reserveBytes: 0,
    ...changes,
  });
}

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

test("only commits with batches wait for the disk; marks of much delivered data do too", async () => {
  using dir = tempDir();
  const script = `
    import { openWritten, spec, work } from ${JSON.stringify(join(import.meta.dir, "testing/writer.ts"))};
    const store = openWritten(process.argv[1]);
    const channel = store.channel("main"), lane = channel.createLane(spec);
    const position = (value) => ({ batches: [], counters: [], positions: [{ stream: "driving", key: "k", value }] });
    store.commit(work(lane, 0, 1));
    store.commit(position("0"));
    process.kill(process.pid, "SIGUSR1");
    for (let i = 0; i < 50; i++) store.commit(position(String(i)));
    process.kill(process.pid, "SIGUSR2");
    for (let i = 0; i < 10; i++) store.commit(work(lane, channel.nextSeq(lane), 1));
    process.kill(process.pid, "SIGURG");
    process.exit(0);`;
  const trace = dir.file("trace");
  const on = "process.on('SIGUSR1',()=>{});process.on('SIGUSR2',()=>{});";
  const child = startChild({
    command: [
      "strace",
      "-f",
      "-qq",
      "-o",
      trace,
      "-e",
      "trace=fsync,fdatasync,kill",
      process.execPath,
      "-e",
      on + script,
      dir.path,
    ],
  });
  await child.exited;
  expect(child.stderr).toBe("");
  const text = await Bun.file(trace).text();
  const phase = (from: string, to: string) =>
    text
      .split(from)[1]
      ?.split(to)[0]
      ?.match(/f(data)?sync\(/g)?.length ?? 0;
  expect(phase("kill(", "kill(")).toBe(0);
  expect(text.split("kill(")[2]?.match(/f(data)?sync\(/g)?.length).toBe(10);
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

test("a second process is refused while the first lives, and let in when it was killed with -9", async () => {
  using dir = tempDir();
  const writer = join(import.meta.dir, "testing", "writer.ts");
  const child = startChild({ command: [process.execPath, writer, dir.path, "0", "1"] });
  await child.waitForLine("put");
  expect(() => open(dir)).toThrow("another process holds it");
  try {
    open(dir);
  } catch (error) {
    expect(error).toMatchObject({ code: "EDGE_CHANNEL_LOCKED" });
  }
  await child.kill();
  open(dir).close();
});

test("one process cannot open a directory twice, but can open it again", () => {
  using dir = tempDir();
  const store = open(dir);
  expect(() => open(dir)).toThrow("lock");
  store.close();
  store.close();
  open(dir).close();
});

test("a channel that the config no longer names stops the start while it holds events; an empty one is forgotten", () => {
  using dir = tempDir();
  let store = open(dir);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  store.commit({ ...nothing, batches: [makeBatch(lane, 0, 7), makeBatch(lane, 7, 2, 9_000)] });
  store.close();
  const channels = new Map([["other", plainChoice("sqlite")]]);
  const before = statSync(dir.file("channel.db")).mtimeMs;
  expect(() => open(dir, { channels })).toThrow('"main" (9 events)');
  expect(statSync(dir.file("channel.db")).mtimeMs).toBe(before);
  store = open(dir);
  drain(store.channel("main").reader(lane));
  store.close();
  store = open(dir, { channels });
  const fresh = store.channel("other").createLane({ ...spec, channel: "other" });
  // Its identity must not be that of the lane before: numbers of a stream go on.
  expect([fresh.id, fresh.number, fresh.epoch]).toEqual([2, 1, lane.epoch]);
  store.commit({ ...nothing, batches: [makeBatch(fresh, 0, 1)] });
  store.close();
  expect(count(dir, "SELECT count(*) FROM batch WHERE lane = 1")).toBe(0);
});

function count(dir: TempDir, sql: string): number {
  const db = new Sqlite(dir.file("channel.db"), { readonly: true });
  const found = Number(db.prepare(sql).pluck().get());
  db.close();
  return found;
}

test("a file of a newer version, or of another program, is refused and not touched", () => {
  using dir = tempDir();
  open(dir).close();
  const db = new Sqlite(dir.file("channel.db"));
  db.pragma("user_version = 99");
  db.close();
  expect(() => open(dir)).toThrow("its version is 99");
  using foreign = tempDir();
  const other = new Sqlite(foreign.file("channel.db"));
  other.exec("CREATE TABLE precious (x)");
  other.close();
  expect(() => open(foreign)).toThrow("another program's");
});

test.each([
  ["copied to another directory", (from: TempDir, to: TempDir) => cpSync(from.path, to.path, { recursive: true }), {}],
  ["moved to another machine", (from: TempDir, to: TempDir) => move(from, to), { machineId: "another" }],
  ["opened under another agent name", (from: TempDir, to: TempDir) => move(from, to), { agent: "renamed" }],
])("a file that was %s takes a new epoch before the first put; old lanes are only drained", (_, bring, changes) => {
  using dir = tempDir();
  using elsewhere = tempDir();
  const first = open(dir);
  const lane = first.channel("main").createLane(spec);
  first.commit({ ...nothing, batches: [makeBatch(lane, 0, 5)] });
  first.close();
  bring(dir, elsewhere);
  const store = open(elsewhere, changes);
  const channel = store.channel("main");
  expect(store.epoch).not.toBe(lane.epoch);
  expect(channel.lanes().map(({ epoch }) => epoch)).toEqual([lane.epoch]);
  const fresh = channel.createLane(spec);
  expect(fresh).toMatchObject({ epoch: store.epoch, number: 0, id: 2 });
  drain(channel.reader(lane));
  store.commit(nothing);
  expect(channel.lanes()).toEqual([fresh]);
  expect(channel.stat().lanes.map(({ put, sent }) => [put, sent])).toEqual([
    [5, 5],
    [0, 0],
  ]);
  const { epoch } = store;
  store.close();
  const again = open(elsewhere, changes);
  expect(again.epoch).toBe(epoch);
  again.close();
});

/** The same inodes in another place. */
function move(from: TempDir, to: TempDir): void {
  for (const name of ["channel.db", "channel.lock"]) renameSync(from.file(name), to.file(name));
}

test("an older state that was put back in its place takes a new epoch", () => {
  using dir = tempDir();
  using backup = tempDir();
  const first = open(dir);
  const { epoch } = first;
  first.close();
  copyFileSync(dir.file("channel.db"), backup.file("channel.db"));
  const second = open(dir);
  expect(second.epoch).toBe(epoch);
  second.close();
  // In place: the inode stays what it was.
  copyFileSync(backup.file("channel.db"), dir.file("channel.db"));
  rmSync(dir.file("channel.db-wal"), { force: true });
  const third = open(dir);
  expect(third.epoch).not.toBe(epoch);
  third.close();
});

test("a new epoch on demand: lanes made from then on have it, also after a restart", () => {
  using dir = tempDir();
  const store = open(dir);
  const before = store.epoch;
  store.renewEpoch("somebody else sends under our name");
  expect(store.epoch).not.toBe(before);
  const { epoch } = store;
  store.close();
  const again = open(dir);
  expect(again.epoch).toBe(epoch);
  again.close();
});

test("a reader that stays open lets the log grow, and when it is gone the log is cut", () => {
  using dir = tempDir();
  const clock = new VirtualClock();
  const said: string[] = [];
  const store = open(dir, { clock, report: (signal: Signal, _fields?: Fields) => void said.push(signal.name) });
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const peek = new Sqlite(dir.file("channel.db"), { readonly: true });
  const rows = peek.prepare("SELECT id FROM body").iterate();
  rows.next();
  const flow = () => {
    for (let rounds = 0; rounds < 100; rounds++) {
      store.commit({ ...nothing, batches: [makeBatch(lane, channel.nextSeq(lane), 1, 900_000)] });
      drain(channel.reader(lane));
      clock.advance(1_000);
    }
  };
  flow();
  expect(statSync(dir.file("channel.db-wal")).size).toBeGreaterThan(80 * MiB);
  expect(said).toContain("channel_checkpoint_held");
  rows.return?.();
  peek.close();
  flow();
  expect(statSync(dir.file("channel.db-wal")).size).toBeLessThan(20 * MiB);
  store.close();
}, 60_000);

test("the file is made small when it is large and nearly empty, and goes on as before", () => {
  using dir = tempDir();
  const clock = new VirtualClock();
  const store = open(dir, { clock }, { bytesMax: 1024 * MiB });
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const big = makeBatch(lane, 0, 1, 900_000).bytes.length;
  for (let put = 0; put < 300 * MiB; put += 4 * big) {
    const next = channel.nextSeq(lane);
    store.commit({
      ...nothing,
      batches: [0, 1, 2, 3].map((at) => makeBatch(lane, next + at, 1, 900_000, systemRandom)),
    });
  }
  expect(statSync(dir.file("channel.db")).size).toBeGreaterThan(256 * MiB);
  store.commit({ ...nothing, batches: [makeBatch(lane, channel.nextSeq(lane), 3)] });
  const reader = channel.reader(lane);
  for (let left = channel.stat().batches - 1; left > 0; left--) {
    const batch = reader.next();
    if (batch !== undefined) reader.acknowledge(batch, undefined);
    if (store.unmarkedBytes > 4 * MiB) store.commit(nothing);
  }
  clock.advance(61_000);
  store.commit(nothing);
  store.commit(nothing);
  expect(statSync(dir.file("channel.db")).size).toBeLessThan(16 * MiB);
  expect(drain(reader).map(({ count }) => count)).toEqual([3]);
  store.commit({
    ...nothing,
    batches: [makeBatch(lane, channel.nextSeq(lane), 3), makeBatch(lane, channel.nextSeq(lane) + 3, 1, 90_000)],
  });
  store.close();
  const again = open(dir, { clock });
  expect(drain(again.channel("main").reader(lane)).map(({ count }) => count)).toEqual([3, 1]);
  again.close();
}, 60_000);

test("the reserve holds blocks, is written bit by bit, and stays over a restart", () => {
  using dir = tempDir();
  const store = open(dir, { reserveBytes: 3 * MiB });
  const path = dir.file("channel.reserve");
  expect(existsSync(path)).toBe(false);
  for (let round = 0; round < 5; round++)
    store.commit({ ...nothing, positions: [{ stream: "s", key: "k", value: `${round}` }] });
  expect(statSync(path).size).toBe(3 * MiB);
  expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(3 * MiB);
  store.close();
  open(dir, { reserveBytes: 3 * MiB }).close();
  expect(statSync(path).size).toBe(3 * MiB);
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
