/** How refused records are put aside: the first with their bytes, a flood of them as ranges of offsets. */
import { type PlainRecord, plainRecord, type RecordSlice } from "../records/record-block.ts";
import type { Refusal } from "./gather.ts";
import { deadBudget } from "./limits.ts";

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
  let run: { firstOffset: number; lastOffset: number; reason: string; record: undefined } | undefined;
  for (const { offset, reason } of refused) {
    if (entries.length < deadBudget.rowsPerAppend && bytes < budget) {
      const found = recordAt(records, offset);
      const record = found === undefined ? undefined : cut(found);
      const size = record === undefined ? 0 : sizeOf(record);
      if (bytes + size <= budget) {
        bytes += size;
        const wasCut = found !== undefined && sizeOf(found) > size;
        const said = wasCut ? `${reason}; its bytes are kept up to ${deadBudget.partBytes}` : reason;
        entries.push({ firstOffset: offset, lastOffset: offset, reason: said, record });
        continue;
      }
    }
    if (run !== undefined && run.lastOffset + 1 === offset && run.reason === reason) {
      run.lastOffset = offset;
      continue;
    }
    run = { firstOffset: offset, lastOffset: offset, reason, record: undefined };
    entries.push(run);
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
