/**
 * Appends records to a store without end, for a test that kills it: `bun crash-writer.ts <path>`. Goes on from the
 * store's own position; the record at offset n is always the same one, so that a test knows what must be there.
 */
import { systemClock } from "../../shared/clock/clock.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { lastMark } from "../records/record-slices.ts";
import { SqliteStore } from "../store/sqlite/store.ts";
import { slicesOf, testRecord } from "./records.ts";

if (import.meta.main) await write(process.argv[2] ?? "");

async function write(path: string): Promise<never> {
  const store = new SqliteStore({ path, clock: systemClock, report: silent, foldRows: 300 });
  const at = { topic: "drive", partition: 0 };
  let seen = await store.position(at);
  process.stdout.write("ready\n");
  let told = false;
  for (;;) {
    const first = seen?.next ?? 0;
    // Sparse and dense series alike, so that rows, chunks and folds are all cut short.
    const records = slicesOf(Array.from({ length: 1 + ((first * 7) % 400) }, (_, index) => recordAt(first + index)));
    const before = lastMark(records);
    const next = (before?.offset ?? 0) + 1;
    seen = (await store.append({ ...at, seen, next, before, records, dead: [], damaged: [], gap: undefined })).position;
    if (!told) process.stdout.write("wrote\n");
    told = true;
    if (seen.next % 5 === 0) await Bun.sleep(0);
  }
}

/** Vehicle `car-0` has every second record; fifty others share the rest. */
function recordAt(offset: number) {
  return testRecord({ offset, vehicle: `car-${offset % 2 === 0 ? 0 : 1 + (offset % 50)}` });
}
