import { countRecords, lastMark, takeRecords } from "../records/record-slices.ts";
import type { Append } from "../store/store.ts";

/** What one transaction is to store of one partition, before its position is known. */
export type PartitionAppend = Omit<Append, "seen" | "topicId">;

/** A transaction holds the thread: it must end well before the group's session does. */
export const recordsPerAppend = 25_000;
/** Records that cost much (each a lane of its own) come in smaller transactions: as many as take about this long. */
const appendMsGoal = 200;
const recordsPerAppendMin = 500;
/** Records that bring nothing may hold up those of other partitions this long. */
const wasteMsGoal = 4;
const wastedPerAppendMin = 100;
/** The first transaction of an arrival of which nothing good is expected. */
export const suspectRecords = 2_000;

/** What one transaction was about: how many records, how long it took, and whether it brought anything. */
export interface Appended {
  readonly records: number;
  readonly tookMs: number;
  readonly isWaste: boolean;
}

/** How many records the next transaction may hold, after this one; `before`: as many as it might have held itself. */
export function affordable({ records, tookMs, isWaste }: Appended, before: number): number {
  const goalMs = isWaste ? wasteMsGoal : appendMsGoal;
  if (tookMs > goalMs) {
    return Math.max(isWaste ? wastedPerAppendMin : recordsPerAppendMin, Math.floor((records * goalMs) / tookMs));
  }
  if (!isWaste) return Math.min(recordsPerAppend, before * 4);
  return tookMs * 2 > goalMs ? before : Math.min(recordsPerAppend, Math.max(before, records * 2));
}

/** An attempt that failed after this long may have been too large; one that was refused fails at once. */
const slowMs = 3_000;

/** How many records the next attempt may hold, after one that failed after so long. */
export function fewer({ records }: Pick<Append, "records">, tookMs: number): number {
  const count = countRecords(records);
  return tookMs < slowMs ? count : Math.max(recordsPerAppendMin, count >> 2);
}

/** What of an append is not stored yet: its records from an offset on. */
export function fromOffset(append: PartitionAppend, next: number): PartitionAppend {
  const before = append.records.reduce(
    (sum, { block, from, to }) => sum + block.offsets.subarray(from, to).filter((offset) => offset < next).length,
    0,
  );
  return before === 0 ? append : (splitAppend(append, before)[1] ?? append);
}

/** The first `count` records of an append, and what is left of it. The gap goes first, unreadable ranges go last. */
export function splitAppend(append: PartitionAppend, count: number): [PartitionAppend, PartitionAppend | undefined] {
  const [head, tail] = takeRecords(append.records, count);
  const headMark = lastMark(head);
  if (tail.length === 0 || headMark === undefined) return [append, undefined];
  return [
    { ...append, records: head, before: headMark, next: headMark.offset + 1, damaged: [] },
    { ...append, records: tail, gap: undefined },
  ];
}
