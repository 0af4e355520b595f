/**
 * Offsets of partitions that were passed over, until somebody knows why: control records, records of transactions that were
 * given up, compaction, or records that the topic deleted before they were read. Only the last is a loss.
 */
import type { PartitionEnds } from "./kafka-group.ts";

/** Offsets from `from` to `to`, both included. */
export interface OffsetGap {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** So many between two looks at the cluster are those of a compacted topic. */
const gapsMax = 1_000;

/** How often a gap makes us ask. */
const askEveryMs = 1_000;

/** Whether an offset that is to be read next is not in the log any more, or not yet. */
export function isOutside(next: number | undefined, { low, high }: PartitionEnds): boolean {
  return next !== undefined && (next < low || next > high);
}

/** The gaps of all partitions since the last look at the cluster. */
export class Gaps {
  private open: OffsetGap[] = [];
  private askedMs = Number.NEGATIVE_INFINITY;

  /** True: it is time to ask the cluster what it was. */
  note(gap: OffsetGap): boolean {
    if (this.open.length < gapsMax) this.open.push(gap);
    const nowMs = performance.now();
    if (nowMs - this.askedMs < askEveryMs) return false;
    this.askedMs = nowMs;
    return true;
  }

  /** What of it the topic has deleted; the rest is no loss. */
  lost(ends: ReadonlyMap<string, PartitionEnds>): readonly OffsetGap[] {
    const { open } = this;
    this.open = [];
    return open.flatMap((gap) => {
      const low = ends.get(`${gap.topic}/${gap.partition}`)?.low ?? 0;
      return low > gap.from ? [{ ...gap, to: Math.min(gap.to, low - 1) }] : [];
    });
  }
}
