/** Files that earlier versions wrote; never edited. Old data stays readable. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { systemClock } from "../../../shared/clock/clock.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { describeBatch, drain, expectContiguous } from "../../testing/contracts/batches.ts";
import { openInspector } from "./inspect.ts";
import { rebuild } from "./recover.ts";
import { batchAt, openWritten } from "./testing/writer.ts";

function golden(dir: TempDir): void {
  writeFileSync(dir.file("channel.db"), gunzipSync(readFileSync(join(import.meta.dir, "golden", "v1.db.gz"))));
}

test("a file of version 1 is looked at as it is: nothing of it is changed", () => {
  using dir = tempDir();
  golden(dir);
  const inspector = openInspector(dir.path);
  expect(inspector.file().version).toBe(1);
  const held = [...inspector.batches("main")];
  expect(held.length).toBeGreaterThan(2);
  expect(held.filter(({ problem }) => problem !== undefined)).toEqual([]);
  expect([...inspector.verify("main")]).toEqual([]);
  expect([...inspector.dead("main")]).toHaveLength(1);
  inspector.close();
});

test("a file of version 1 that is damaged is written anew with all its batches", () => {
  using dir = tempDir();
  golden(dir);
  const inspector = openInspector(dir.path);
  const before = [...inspector.batches("main")].map(describeBatch);
  inspector.close();
  expect(rebuild(dir.file("channel.db"), systemClock)).toMatchObject({ batches: before.length, lost: 0 });
  const again = openInspector(dir.path);
  expect([...again.batches("main")].map(describeBatch)).toEqual(before);
  again.close();
});

test("a file of version 1 is opened: its lanes drain, its books, positions and sessions are there", () => {
  using dir = tempDir();
  golden(dir);
  const store = openWritten(dir.path);
  const channel = store.channel("main");
  const [lane, keyed] = channel.lanes();
  if (lane === undefined || keyed === undefined) throw new Error("lanes are missing");
  expect(keyed.part).toEqual({ index: 3, parts: 8, generation: 1 });
  const next = channel.nextSeq(lane);
  expect([...store.positions("driving")]).toEqual([["a.log", String(next)]]);
  expect([...store.counters("driving")]).toEqual([["read", next]]);
  const reader = channel.reader(lane);
  expect(reader.session("kafka/cluster/driving/0")).toBe('{"producerId":"7","epoch":0}');
  expect(reader.mark).toBe("offset 2");
  const kept = reader.kept(0);
  expect(kept === undefined ? undefined : describeBatch(kept)).toEqual(describeBatch(batchAt(lane, 0)));

  const inspector = openInspector(dir.path);
  const [dead] = [...inspector.dead("main")];
  inspector.close();
  const given = drain(reader);
  const [marker, ...records] = given;
  expect(marker).toMatchObject({ kind: "shed", first: dead?.first, count: dead?.count });
  expectContiguous(given, marker?.first ?? -1, next);
  expect(records.map(describeBatch)).toEqual(records.map(({ first }) => describeBatch(batchAt(lane, first))));
  expect(channel.stat().lanes[0]).toMatchObject({
    put: next,
    held: 0,
    dead: dead?.count,
    counters: { maybe_repeated: 2 },
  });
  expect(drain(channel.reader(keyed)).length).toBe(2);
  store.close();
});
