/**
 * Who reads the partitions of our topics. A store is whole only when each of them is read into it: by this process, or by
 * another member of the group on the same store (a sibling). What nobody of these reads is kept with the time since when,
 * so that a rebalance, which takes seconds, is no alarm.
 */
import { partitionName, type TopicPartition } from "../records/partition.ts";
import type { OtherPartition, PartitionReader } from "./consumer.ts";

/** Who reads a partition that is not ours. */
export type Uncovered = Omit<OtherPartition, "highWatermark" | "logStartOffset" | "untoldForMs">;

/** A partition of our topics, as the cluster describes it. */
export interface ClusterPartition extends TopicPartition {
  /** The offset after the last record that can be read; -1 when it was not asked for or not told. */
  readonly endOffset: number;
  /** The oldest offset that the broker still has; -1 as above. */
  readonly startOffset: number;
}

/** The group, as its coordinator describes it. */
export interface GroupView {
  /** Empty while the group has no members or is rebalancing. */
  readonly protocol: string;
  readonly members: readonly {
    readonly clientId: string;
    readonly clientHost: string;
    readonly partitions: readonly TopicPartition[];
  }[];
}

/** What the cluster said of our topics at one time. */
export interface ClusterView {
  readonly partitions: readonly ClusterPartition[];
  readonly group: GroupView;
}

/** Keeps, over looks at the cluster, since when a partition has had no reader that writes to our store. */
export class Coverage {
  private readonly unreadSince = new Map<string, number>();
  private partitions: readonly (ClusterPartition & { readonly reader: PartitionReader })[] = [];
  private seenMs = Number.NEGATIVE_INFINITY;

  /** `protocol`: what members with our store offer. */
  look({ partitions, group }: ClusterView, protocol: string, nowMs: number): void {
    const strangers = group.protocol !== "" && group.protocol !== protocol;
    const taken = new Set(group.members.flatMap((member) => member.partitions.map(partitionName)));
    this.partitions = partitions.map((partition) => {
      const reader = !taken.has(partitionName(partition)) ? "nobody" : strangers ? "stranger" : "sibling";
      return { ...partition, reader };
    });
    this.seenMs = nowMs;
  }

  /**
   * The partitions that are not ours, given those that are, and for how long each has had no reader. To be asked every
   * second or so: the time is counted from the first time that it is found without one.
   */
  others(ours: readonly TopicPartition[], nowMs: number): readonly Uncovered[] {
    const mine = new Set(ours.map(partitionName));
    // A look that is too old says nothing about now: the brokers are away, and nobody can read.
    const fresh = nowMs - this.seenMs <= viewAgeMsMax;
    return this.partitions.flatMap((found) => {
      const { topic, partition } = found;
      const key = partitionName(found);
      const reader = fresh ? found.reader : "unknown";
      if (mine.has(key) || reader === "sibling" || reader === "unknown") this.unreadSince.delete(key);
      else if (!this.unreadSince.has(key)) this.unreadSince.set(key, nowMs);
      if (mine.has(key)) return [];
      const unreadForMs = nowMs - (this.unreadSince.get(key) ?? nowMs);
      return [{ topic, partition, reader, unreadForMs }];
    });
  }
}

/** Looks at the cluster are 10 s apart. */
const viewAgeMsMax = 30_000;

/** Longer than a rebalance or a dead member's session takes: no reader for this long is an alarm. */
export const unreadGraceMs = 20_000;
