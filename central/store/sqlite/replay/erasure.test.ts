/** What an erasure leaves in the file: nothing, wherever the vehicle's events have stood before. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import Database from "better-sqlite3";
import { systemClock } from "../../../../shared/clock/clock.ts";
import { seededRandom } from "../../../../shared/random/random.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { lastMark } from "../../../records/record-slices.ts";
import { slicesOf, testRecord } from "../../../testing/records.ts";
import type { Position } from "../../store.ts";
import { SqliteStore } from "../store.ts";

const secret = "where car-1 was at night";

/** How often it stands in the files. Chunks are compressed: of them nothing can be seen, so the pages are looked at as a whole. */
function seen(path: string): number {
  const files = [path, `${path}-wal`].filter((file) => existsSync(file));
  return files.reduce((sum, file) => sum + readFileSync(file).toString("latin1").split(secret).length - 1, 0);
}

test.each([1, 2, 3])("no byte of an erased vehicle is left in the file (seed %d)", async (seed) => {
  using dir = tempDir();
  const path = dir.file("central.db");
  const random = seededRandom(seed);
  const pick = (bound: number) => Math.floor(random.next() * bound);
  let store = new SqliteStore({ path, clock: systemClock, report: silent });
  let position: Position | undefined;
  let offset = 0;
  for (let round = 0; round < 12; round++) {
    const records = Array.from({ length: 200 + pick(400) }, () => {
      const own = pick(3) === 0;
      const value = `${own ? secret : "elsewhere by day"} ${"x".repeat(pick(300))}`;
      return testRecord({ offset: offset++, vehicle: own ? "car-1" : `car-${2 + pick(5)}`, value });
    });
    const slices = slicesOf(records);
    const rest = { topic: "drive", partition: 0, dead: [], damaged: [], gap: undefined };
    const append = { ...rest, seen: position, next: offset, before: lastMark(slices), records: slices };
    position = (await store.append(append)).position;
    if (pick(3) === 0) store.fold();
    if (pick(4) === 0) {
      await store.close();
      store = new SqliteStore({ path, clock: systemClock, report: silent });
    }
  }
  expect(seen(path)).toBeGreaterThan(20);
  for (let done = false; !done; ) {
    done = (await store.replays?.erase("car-1", "somebody"))?.done ?? true;
    // As a process that dies in between.
    if (pick(6) === 0) {
      await store.close();
      store = new SqliteStore({ path, clock: systemClock, report: silent });
    }
  }
  expect(seen(path)).toBe(0);
  expect(await store.replays?.unfinishedErasures()).toEqual([]);
  await store.close();
  expect(seen(path)).toBe(0);
  const database = new Database(path, { readonly: true });
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(database.prepare("select name from sqlite_schema where name = 'overwritten'").get()).toBeUndefined();
  database.close();
});

test("two vehicles that are erased in turns: of the second, too, nothing is left", async () => {
  using dir = tempDir();
  const path = dir.file("central.db");
  const store = new SqliteStore({ path, clock: systemClock, report: silent });
  const both = (offset: number) => (offset % 2 === 0 ? "car-1" : "car-2");
  const records = Array.from({ length: 400 }, (_, offset) =>
    testRecord({ offset, vehicle: both(offset), value: `${secret} ${"x".repeat(200)}` }),
  );
  // What the ledger refuses is kept as a dead letter, and the second one is a conflict.
  const odd = testRecord({ offset: 400, vehicle: "car-2", identity: "gw1/e1/drive.99999999/2@1", value: secret });
  const other = testRecord({ offset: 401, seq: 1, vehicle: "car-2", value: `${secret} otherwise` });
  const slices = slicesOf([...records, odd, other]);
  const rest = { topic: "drive", partition: 0, dead: [], damaged: [], gap: undefined };
  await store.append({ ...rest, seen: undefined, next: 402, before: lastMark(slices), records: slices });
  store.fold();
  const erase = async (vehicle: string) => (await store.replays?.erase(vehicle, "somebody"))?.done ?? true;
  const sum = { deadLetters: 0, conflicts: 0 };
  for (let [one, two] = [false, false]; !one || !two; ) {
    if (!one) one = await erase("car-1");
    if (two) continue;
    const step = await store.replays?.erase("car-2", "somebody");
    sum.deadLetters += step?.deadLetters ?? 0;
    sum.conflicts += step?.conflicts ?? 0;
    two = step?.done ?? true;
  }
  expect(sum).toEqual({ deadLetters: 1, conflicts: 1 });
  expect(seen(path)).toBe(0);
  expect(await store.replays?.unfinishedErasures()).toEqual([]);
  await store.close();
  const database = new Database(path, { readonly: true });
  expect(database.prepare("select vehicle from series").pluck().all()).toEqual([]);
  database.close();
});
