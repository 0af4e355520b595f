/**
 * A replay into the store. The consumer writes through the same connection and has the way first: a transaction of ours is small, and
 * after each one we stand aside for as long as it took.
 */
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { hasCode, messageOf } from "../../shared/errors/app-error.ts";
import type { RecordSlice } from "../records/record-block.ts";
import { countRecords, takeRecords } from "../records/record-slices.ts";
import type { Backfill, BackfillResult, ReplayPartition, ReplayStore } from "../store/replay-port.ts";
import type { Feed, FeedPart } from "./feed.ts";
import type { JobRun } from "./job-run.ts";
import type { RecordRate } from "./rate-limit.ts";

/** Some 20 ms of the store's writer. */
const recordsPerTransaction = 1_000;

/** What it stands on. */
export interface IntoStoreTools {
  readonly store: ReplayStore;
  readonly clock: Clock;
  readonly limit: RecordRate;
  /** One for each partition, by its index. */
  readonly feed: (index: number) => Feed;
}

/** Reads the open partitions, one answer of each in turn. True: all are done; false: paused, cancelled, or told to stop. */
export async function intoStore(run: JobRun, tools: IntoStoreTools): Promise<boolean> {
  for (let open = run.open(); open.length > 0; open = run.open()) {
    for (const index of open) {
      if (run.signal.aborted) return false;
      const part = await tools.feed(index).read(run.at(index));
      if (part === undefined) continue;
      if (!(await storePart(run, index, part, tools))) return false;
    }
    run.waits(undefined);
    if (!(await run.save())) return false;
  }
  return true;
}

async function storePart(run: JobRun, index: number, part: FeedPart, tools: IntoStoreTools): Promise<boolean> {
  const { topic, partition } = run.at(index);
  if (part.gone !== undefined) run.lost({ topic, partition, ...part.gone, certain: true });
  let left: readonly RecordSlice[] = part.slices;
  let uncounted = part.read;
  for (;;) {
    const wanted = Math.min(recordsPerTransaction, countRecords(left));
    const allowed = wanted === 0 ? 0 : await tools.limit.take(wanted, run.signal);
    if (wanted > 0 && allowed === 0) return false;
    const [now, later] = takeRecords(left, allowed);
    const isLast = later.length === 0;
    const next = isLast ? part.next : nextOf(now);
    const read = isLast ? uncounted : allowed;
    uncounted -= read;
    const before = run.at(index);
    const counts = run.count(index, { read, matched: allowed });
    const began = tools.clock.uptimeMs();
    const append = {
      ...run.identity,
      partition: { ...before, next, counts },
      records: now,
      dead: [],
      damaged: isLast ? part.damaged : [],
    };
    const result = await backfill(append, tools.store);
    run.moved(index, result.partition, true);
    if (result.state !== "running") return false;
    await sleep(Math.max(1, tools.clock.uptimeMs() - began), run.signal);
    if (isLast) return true;
    left = later;
  }
}

/** What the store itself cannot take is halved until it stands alone, and put aside. */
async function backfill(append: Backfill, store: ReplayStore): Promise<BackfillResult> {
  try {
    return await store.backfill(append);
  } catch (thrown) {
    const count = countRecords(append.records);
    const [only] = append.records;
    if (!hasCode(thrown, "CENTRAL_RECORD_POISON") || only === undefined) throw thrown;
    if (count === 1) {
      return await store.backfill({ ...append, records: [], dead: [{ ...only, reason: messageOf(thrown) }] });
    }
    const [head, tail] = takeRecords(append.records, count >> 1);
    const first = await backfill(
      { ...append, partition: upTo(append.partition, nextOf(head)), records: head, damaged: [] },
      store,
    );
    const { counts } = first.partition;
    return await backfill({ ...append, partition: { ...append.partition, counts }, records: tail }, store);
  }
}

function upTo(partition: ReplayPartition, next: number): ReplayPartition {
  return { ...partition, next };
}

function nextOf(slices: readonly RecordSlice[]): number {
  const last = slices.at(-1);
  return (last?.block.offsets[last.to - 1] ?? -1) + 1;
}
