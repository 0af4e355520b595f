/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The same text for the same partition: what maps go by, and the store's `rule_line`. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Offsets from the first to the last, both included. */
export interface OffsetRange {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** Offsets that hold nothing that can be read: a batch that fails its CRC or cannot be decompressed. */
export interface DamagedRange extends OffsetRange {
  readonly reason: string;
  /** The batch as it came. */
  readonly bytes: Buffer;
}

/**
 * Where records stand that came by relay, and not from a topic: in a line of the store's own. No topic of Kafka can have
 * this name.
 */
export const relayLine: TopicPartition = { topic: "(relay)", partition: 0 };
