/** How refused records are put aside: the first with their bytes, a flood of them as ranges of offsets. */
import { type PlainRecord, plainRecord, type RecordSlice } from "../records/record-block.ts";
import { deadBudget } from "./limits.ts";
import type { Refusal } from "./refusals.ts";

/** One row of what was put aside. */
export interface DeadEntry {
  readonly firstOffset: number;
  /** Inclusive; the row stands for every offset in between. */
  readonly lastOffset: number;
  readonly reason: string;
  /** Undefined: there were too many of them. The topic has them as long as its retention allows. */
  readonly record: PlainRecord | undefined;
}

/**
 * `refused` ascending by offset; `bytesLeft`: what the source's budget still allows. Bytes that are kept are cut at
 * the budget of one part, and a reason says so.
 */
export function deadEntries(
  refused: readonly Refusal[],
  records: readonly RecordSlice[],
  bytesLeft: number,
): { readonly entries: readonly DeadEntry[]; readonly bytes: number } {
  const entries: DeadEntry[] = [];
  const budget = Math.min(bytesLeft, deadBudget.bytesPerAppend);
  let bytes = 0;
  for (const { offset: first, records: count, reason } of refused) {
    const end = first + count;
    let at = first;
    while (at < end && entries.length < deadBudget.rowsPerAppend && bytes < budget) {
      const found = recordAt(records, at);
      const record = found === undefined ? undefined : cut(found);
      const size = record === undefined ? 0 : sizeOf(record);
      if (bytes + size > budget) break;
      bytes += size;
      const wasCut = found !== undefined && sizeOf(found) > size;
      const said = wasCut ? `${reason}; its bytes are kept up to ${deadBudget.partBytes}` : reason;
      entries.push({ firstOffset: at, lastOffset: at, reason: said, record });
      at++;
    }
    if (at < end) entries.push({ firstOffset: at, lastOffset: end - 1, reason, record: undefined });
  }
  return { entries, bytes };
}

function cut(record: PlainRecord): PlainRecord {
  const { key, value, identity } = record;
  const part = (bytes: Buffer | undefined) => bytes?.subarray(0, deadBudget.partBytes);
  return { ...record, key: part(key), value: part(value), identity: identity?.slice(0, deadBudget.partBytes) };
}

function sizeOf({ key, value, identity }: PlainRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + (identity?.length ?? 0);
}

function recordAt(slices: readonly RecordSlice[], offset: number): PlainRecord | undefined {
  for (const { block, from, to } of slices) {
    if ((block.offsets[to - 1] ?? -1) < offset) continue;
    for (let index = from; index < to; index++) if (block.offsets[index] === offset) return plainRecord(block, index);
    return undefined;
  }
  return undefined;
}
