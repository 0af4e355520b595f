/**
 * Dead letters, tried again after a limit or a rule was changed. What was kept is what can be tried: a record's parts, or the batch
 * that could not be read. A batch's signature is not kept with its records: where signatures are required, records
 * that were refused for another reason come again by a replay of their offsets.
 */
import { AppError } from "../../shared/errors/app-error.ts";
import { splitBatches } from "../../shared/kafka/record-batch/frames.ts";
import { decodeBatch } from "../consumer/kafka/decode-batch.ts";
import { blockOf, type RecordSlice } from "../records/record-block.ts";
import type { KeptLetter, Redriven } from "../store/redrive-port.ts";

/** Letters, each with the records that its bytes are. */
export function triedLetters(rows: readonly KeptLetter[]): Redriven[] {
  return rows.map((row) => ({ row, records: recordsOf(row) }));
}

/** None when they were not kept, or still cannot be read. */
function recordsOf({ firstOffset, key, value, identity, recordTimeMs, reason }: KeptLetter): RecordSlice[] {
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
