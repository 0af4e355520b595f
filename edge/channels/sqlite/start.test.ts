import { expect, test } from "bun:test";
import { copyFileSync, cpSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { drain, makeBatch, plainChoice, spec } from "../../testing/contracts/batches.ts";
import { Sqlite } from "./driver.ts";
import { nothing, open } from "./testing/open.ts";

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
  const channels = new Map([["other", plainChoice()]]);
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
