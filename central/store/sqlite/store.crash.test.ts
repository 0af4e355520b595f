import { expect, test } from "bun:test";
import Database from "better-sqlite3";
import { systemClock } from "../../../shared/clock/clock.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { unpackChunk } from "./events/chunk-codec.ts";
import { SqliteReader } from "./reader.ts";
import { SqliteStore } from "./store.ts";

const writer = new URL("../../testing/crash-writer.ts", import.meta.url).pathname;

test("killed with -9 at any moment, the store holds each record up to its position once, and none behind it", async () => {
  using dir = tempDir("tailgate-crash-");
  const path = dir.file("central.db");
  const random = seededRandom(20_261_121);
  let before = 0;
  let advanced = 0;
  for (let round = 0; round < 20; round++) {
    await using child = startChild({ command: [process.execPath, writer, path] });
    // The moment is the point of the test: anywhere between two transactions, in one, in a fold, in a checkpoint. Counted from
    // the first transaction in most rounds, because a busy machine may need all of the time to get there.
    const early = round % 4 === 0;
    await child.waitForLine(early ? "ready" : "wrote");
    await Bun.sleep(random.next() * 120);
    await child.kill();

    const store = new SqliteStore({ path, clock: systemClock, report: silent });
    const next = (await store.position({ topic: "drive", partition: 0 }))?.next ?? 0;
    await store.close();
    expect(next).toBeGreaterThanOrEqual(before);
    expect(storedOffsets(path)).toEqual(Array.from({ length: next }, (_, offset) => offset));
    if (next > before) advanced++;
    before = next;
  }
  expect(advanced).toBeGreaterThanOrEqual(15);
  const reader = new SqliteReader(path);
  expect(await reader.totals()).toMatchObject({ stored: before, missing: 0, repeated: 0, conflicts: 0 });
  const [lane] = await reader.lanes({ agent: undefined, stream: undefined, afterId: 0, limit: 1 });
  expect(lane && (await reader.ranges(lane, 0, 10))).toMatchObject([{ first: 0, last: before - 1, kind: "received" }]);
  await reader.close();
}, 60_000);

/** Every event that is in the file, by offset, with SQLite's own check of the file before. */
function storedOffsets(path: string): number[] {
  const database = new Database(path, { readonly: true });
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  const rows = database.prepare("select offset from recent").pluck().all().map(Number);
  const bodies = database.prepare<[], Buffer>("select body from chunk").pluck().all();
  database.close();
  const chunked = bodies.flatMap((body) => unpackChunk(body).map(({ offset }) => offset));
  return [...rows, ...chunked].sort((a, b) => a - b);
}
