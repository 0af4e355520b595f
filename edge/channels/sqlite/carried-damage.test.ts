/** Batches of other agents in a file that is damaged: what is gone is named as its own agent named it. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { drain, identityOf, makeBatch } from "../../testing/contracts/batches.ts";
import { Sqlite } from "./driver.ts";
import { rebuild } from "./recover.ts";
import { openWritten, spec } from "./testing/writer.ts";

const others = { id: 0, channel: "x", stream: "driving", epoch: "e9", number: 2, group: "x", part: undefined };

/** Three batches of two agents; `made`: as they were put. */
function write(dir: TempDir): readonly PutBatch[] {
  const store = openWritten(dir.path);
  const channel = store.channel("main");
  const lane = channel.createLane({ ...spec, carries: true });
  const made = [5, 40, 8].map((from, index): PutBatch => {
    const carried = `agent/e9/driving.2/${from}-${from + 2}`;
    return { ...makeBatch(others, from, 3, 9_000), lane, first: index * 3, carried };
  });
  store.commit({ batches: made, positions: [], counters: [] });
  store.close();
  return made;
}

test("a flipped byte: the marker names the numbers that its agent gave", () => {
  using dir = tempDir();
  const [, hit] = write(dir);
  const bytes = readFileSync(dir.file("channel.db"));
  const at = bytes.indexOf(hit?.bytes.subarray(61, 400) ?? "");
  expect(at).toBeGreaterThan(0);
  bytes[at + 200] = (bytes[at + 200] ?? 0) ^ 4;
  writeFileSync(dir.file("channel.db"), bytes);
  const store = openWritten(dir.path);
  const [lane] = store.channel("main").lanes();
  const given = lane === undefined ? [] : drain(store.channel("main").reader(lane));
  expect(given.map(({ kind, carried }) => [kind, kind === "shed" ? undefined : carried])).toEqual([
    ["records", "agent/e9/driving.2/5-7"],
    ["shed", undefined],
    ["records", "agent/e9/driving.2/8-10"],
  ]);
  const [, marker] = given;
  const named = { agent: "agent", epoch: "e9", lane: 2, first: 40, last: 42, reason: "damaged" };
  expect(marker && identityOf(marker)).toMatchObject(named);
  store.close();
});

test("a file that is written anew: a body that no row leads to says itself which records it holds", () => {
  using dir = tempDir();
  const made = write(dir);
  const db = new Sqlite(dir.file("channel.db"));
  db.exec("DELETE FROM batch WHERE first = 3");
  db.close();
  expect(rebuild(dir.file("channel.db"), systemClock)).toMatchObject({ batches: 3, lost: 0 });
  const store = openWritten(dir.path);
  const [lane] = store.channel("main").lanes();
  expect(lane?.carries).toBe(true);
  const given = lane === undefined ? [] : drain(store.channel("main").reader(lane));
  expect(given.map(({ carried }) => carried)).toEqual(made.map(({ carried }) => carried));
  expect(given.map(({ bytes }) => Bun.hash(bytes))).toEqual(made.map(({ bytes }) => Bun.hash(bytes)));
  store.close();
});
