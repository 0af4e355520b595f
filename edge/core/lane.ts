/**
 * An ordered line of batches of one stream: what is put first is sent first. A stream has one lane by default; with
 * `partition: key` it has as many as the topic has partitions, so that a key's events stay in one lane and in order.
 */
export interface Lane {
  /** Number of the lane within the agent's file; never used again. */
  readonly id: number;
  /** Name of the channel. */
  readonly channel: string;
  /** Name of the stream: the source, as the config calls it. */
  readonly stream: string;
  /** Born with the channel file, new when the file was copied; part of every record's identity. */
  readonly epoch: string;
  /** Number of the lane within its stream and epoch; part of every record's identity. */
  readonly number: number;
  /** Where its records go: the Kafka topic (or what another sink makes of it). Fixed when the lane is made. */
  readonly topic: string;
  /**
   * `agent`: murmur2 of the agent's name picks the partition when the topic is first reached.
   * `key`: this lane is partition `partition` of `partitions`; murmur2 of the key picked it at put.
   */
  readonly partitioning: LanePartitioning;
}

export type LanePartitioning =
  | { readonly by: "agent" }
  | {
      readonly by: "key";
      readonly partition: number;
      readonly partitions: number;
      /** Grows with the topic: lanes of a generation are sent after all lanes of the generations before are drained. */
      readonly generation: number;
    };

/** What a lane is made from; the channel gives it an id and a number. */
export type LaneSpec = Omit<Lane, "id" | "number" | "epoch">;
