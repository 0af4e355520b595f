import type { RecordBlock, RecordSlice } from "./record-block.ts";
import { markOf, type RecordMark } from "./record-mark.ts";

/** The records at `fromOffset` and after it. */
export function sliceRecords(blocks: readonly RecordBlock[], fromOffset: number): RecordSlice[] {
  const slices: RecordSlice[] = [];
  for (const block of blocks) {
    const from = firstAt(block, fromOffset);
    if (from < block.count) slices.push({ block, from, to: block.count });
  }
  return slices;
}

/** Index of the first record at the offset or after it. */
function firstAt({ offsets, count }: RecordBlock, offset: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many records the slices hold. */
export function countRecords(slices: readonly RecordSlice[]): number {
  return slices.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** The first `count` records, and the others. */
export function takeRecords(slices: readonly RecordSlice[], count: number): [RecordSlice[], RecordSlice[]] {
  const head: RecordSlice[] = [];
  const tail: RecordSlice[] = [];
  let left = count;
  for (const { block, from, to } of slices) {
    const middle = Math.min(to, from + left);
    if (middle > from) head.push({ block, from, to: middle });
    if (middle < to) tail.push({ block, from: middle, to });
    left -= middle - from;
  }
  return [head, tail];
}

/** The mark of the last record. */
export function lastMark(slices: readonly RecordSlice[]): RecordMark | undefined {
  const last = slices.at(-1);
  return last === undefined ? undefined : markOf(last.block, last.to - 1);
}
