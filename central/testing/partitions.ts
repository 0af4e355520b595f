import type { OtherPartition, PartitionState } from "../consumer/consumer.ts";

/** A partition of topic `drive` that is ours, read to its end, with some of it said otherwise. */
export function ownPartition(partition: number, changes: Partial<PartitionState> = {}): PartitionState {
  const offsets = { highWatermark: 0, endOffset: changes.highWatermark ?? 0, logStartOffset: 0 };
  return { topic: "drive", partition, ...offsets, untoldForMs: 0, stalledForMs: 0, ...changes };
}

/** A partition of topic `drive` that another member has, or nobody. */
export function otherPartition(partition: number, changes: Partial<OtherPartition> = {}): OtherPartition {
  const offsets = { highWatermark: 0, logStartOffset: 0, untoldForMs: 0, unreadForMs: 0 };
  return { topic: "drive", partition, reader: "sibling", ...offsets, ...changes };
}
