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

/** The gaps of all partitions since the last look at the cluster. */
export class Gaps {
  private open: OffsetGap[] = [];

  note(gap: OffsetGap): void {
    if (this.open.length < gapsMax) this.open.push(gap);
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
