/**
 * Dead letters, tried again after a limit or a rule was changed. What was kept is what can be tried: a record's parts, or the batch
 * that could not be read. A batch's signature is not kept with its records: where signatures are required, records
 * that were refused for another reason come again by a replay of their offsets.
 */
import { AppError } from "../../shared/errors/app-error.ts";
import { splitBatches } from "../../shared/kafka/record-batch/frames.ts";
import { decodeBatch } from "../consumer/kafka/decode-batch.ts";
import { blockOf, type RecordSlice } from "../records/record-block.ts";
import type { DeadLetterChoice, KeptLetter, RedriveCounts, ReplayStore } from "../store/replay-port.ts";

/** What became of them. */
export interface RedriveResult extends RedriveCounts {
  /** There are more: ask again with it as `afterId`. */
  readonly next: number | undefined;
}

const perTransaction = 200;
/** Of one request: it is answered within seconds. */
const perRequest = 5_000;

/** Tries those that are chosen, after an id. */
export async function redrive(choice: DeadLetterChoice, afterId: number, store: ReplayStore): Promise<RedriveResult> {
  let sum: RedriveCounts = { tried: 0, stored: 0, repeated: 0, conflicts: 0, suppressed: 0, stayed: 0 };
  let after = afterId;
  while (sum.tried < perRequest) {
    const rows = await store.deadLettersOf(choice, after, perTransaction);
    const last = rows.at(-1);
    if (last === undefined) return { ...sum, next: undefined };
    const counts = await store.redrive(rows.map((row) => ({ row, records: recordsOf(row) })));
    sum = add(sum, counts);
    after = last.id;
    if (rows.length < perTransaction) return { ...sum, next: undefined };
    await new Promise((resolve) => setTimeout(resolve, 1)); // the consumer's turn
  }
  return { ...sum, next: after };
}

/** The records that its bytes are; none when they were not kept, or still cannot be read. */
export function recordsOf({ firstOffset, key, value, identity, recordTimeMs, reason }: KeptLetter): RecordSlice[] {
  if (recordTimeMs !== undefined) {
    if (/; its bytes are kept up to \d+$/.test(reason)) return [];
    const record = { offset: firstOffset, timeMs: recordTimeMs, key: key ?? undefined, value: value ?? undefined };
    return [{ block: blockOf([{ ...record, identity }]), from: 0, to: 1 }];
  }
  if (value === null || value.length === 0) return [];
  try {
    return splitBatches(value).map((frame) => {
      const block = decodeBatch(frame);
      return { block, from: 0, to: block.count };
    });
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return []; // still nothing that can be read
  }
}

function add(a: RedriveCounts, b: RedriveCounts): RedriveCounts {
  return {
    tried: a.tried + b.tried,
    stored: a.stored + b.stored,
    repeated: a.repeated + b.repeated,
    conflicts: a.conflicts + b.conflicts,
    suppressed: a.suppressed + b.suppressed,
    stayed: a.stayed + b.stayed,
  };
}
