import type { AbortedTransaction } from "../../../shared/kafka/messages/fetch.ts";
import type { BatchFrame } from "../../../shared/kafka/record-batch/frames.ts";

/** A fetch's batches, apart by who may see them. */
export interface SortedFrames {
  readonly committed: readonly BatchFrame[];
  /** What a reader of committed records must not see. */
  readonly hidden: readonly BatchFrame[];
}

/**
 * Tells apart what a reader of committed records may see, and control batches and batches of transactions that were
 * rolled back. A transaction of the broker's list begins at its first offset and ends at its producer's next marker
 * (KIP-98). That marker is known by the batch's header alone: one whose record cannot be read stops nothing.
 */
export function sortFrames(frames: readonly BatchFrame[], aborted: readonly AbortedTransaction[]): SortedFrames {
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<bigint>();
  const committed: BatchFrame[] = [];
  const hidden: BatchFrame[] = [];
  for (const frame of frames) {
    for (let next = waiting[0]; next !== undefined && next.firstOffset <= frame.lastOffset; next = waiting[0]) {
      open.add(next.producerId);
      waiting.shift();
    }
    if (frame.control) open.delete(frame.producerId);
    const rolledBack = frame.transactional && open.has(frame.producerId);
    (frame.control || rolledBack ? hidden : committed).push(frame);
  }
  return { committed, hidden };
}
