import type { DamagedRange, OffsetRange, TopicPartition } from "../records/partition.ts";
import type { RecordBlock } from "../records/record-block.ts";

/** What one fetch brought for one partition. */
export interface Arrival extends TopicPartition {
  readonly blocks: readonly RecordBlock[];
  readonly damaged: readonly DamagedRange[];
  /** Where the log holds what no reader of committed records sees: control records, and transactions rolled back. */
  readonly hidden: readonly OffsetRange[];
  /** Where the first batch of the fetch begins; it may lie before what was asked for. */
  readonly firstOffset: number;
  /** The offset after everything delivered, control records and compacted ones included. */
  readonly nextOffset: number;
  /** The offset after the last record that the log holds. */
  readonly endOffset: number;
  /** The oldest offset the broker still has; undefined when it did not say. */
  readonly logStartOffset: number | undefined;
}

/** A partition that is ours, and of which topic of that name. */
export interface AssignedPartition extends TopicPartition {
  /**
   * The topic's id (KIP-516), asked for before anything is fetched; a topic made anew has another one. Undefined: the
   * brokers do not tell, or not now.
   */
  readonly topicId: string | undefined;
  /** How far the group had stored it, by what was committed to Kafka before this assignment; undefined: nothing was. */
  readonly committed: number | undefined;
}

/** How long one partition may keep the others waiting. An ordinary arrival takes some 50 ms. */
export const turnMs = 500;

/** Where to read from. */
export type Start = number | "earliest";

/**
 * What became of an arrival: it is done with; its turn is over and it is to be brought again, for what is left of it; or
 * reading must go on somewhere else. `restMs`: its partition has no turn for so long, so that others have the time.
 * `commit: "later"`: what the group has committed stands further on, and is all that tells of an earlier store.
 */
export type Outcome =
  | { readonly kind: "done"; readonly restMs?: number; readonly commit?: "later" }
  | { readonly kind: "again"; readonly start: Start; readonly restMs?: number }
  | { readonly kind: "seek"; readonly start: Start; readonly restMs?: number };

/** How an arrival's handler stays a member of the group while it waits for a store that is away. */
export interface ArrivalContext {
  /** To be called at least once a second; rejects when the group has moved on and the work must be dropped. */
  heartbeat(): Promise<void>;
  /** Asks for the topic's id now (`AssignedPartition`). */
  topicId(): Promise<string | undefined>;
  readonly signal: AbortSignal;
  /** How long it took to make the arrival of what was fetched; 0 when it is brought again. */
  readonly decodeMs: number;
}

/** Who is handed the partitions and their records. One partition is never delivered twice at the same time. */
export interface ConsumerHandler {
  /** A partition is ours from now on: nothing of it is fetched before this has answered. May wait for the store. */
  assigned(partition: AssignedPartition, signal: AbortSignal): Promise<Start>;
  deliver(arrival: Arrival, context: ArrivalContext): Promise<Outcome>;
}

/** What the consumer knows of a partition that is ours. Offsets are -1 until the broker told. */
export interface PartitionState extends TopicPartition {
  /** The offset after the last record that can be read: records of an open transaction cannot. */
  readonly highWatermark: number;
  /** The offset after the last record that the log holds. */
  readonly endOffset: number;
  /** The oldest offset that the broker still has. */
  readonly logStartOffset: number;
  /** How old a broker's word on these offsets is. */
  readonly untoldForMs: number;
  /** For how long there has been something to read and nothing has come, although nothing held it up; 0: it moves. */
  readonly stalledForMs: number;
}

/**
 * Who reads a partition that is not ours: another member of the group on the same store (sibling), a member that does
 * not write to our store (stranger), or nobody; unknown while the cluster does not answer.
 */
export type PartitionReader = "sibling" | "stranger" | "nobody" | "unknown";

/** A partition of our topics that another member has, or nobody. */
export interface OtherPartition extends TopicPartition {
  readonly reader: PartitionReader;
  /** As of the last look at the cluster, some seconds ago; -1: not told. */
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly untoldForMs: number;
  /** For how long nobody has read it into our store; 0 when somebody does. */
  readonly unreadForMs: number;
}

/** For status, metrics and lag. */
export interface ConsumerState {
  /** A broker has answered something within the last seconds. */
  readonly connected: boolean;
  /** Ours. */
  readonly partitions: readonly PartitionState[];
  /** Of our topics, but not ours. */
  readonly others: readonly OtherPartition[];
  /** Topics that the config names and the cluster does not have. */
  readonly missingTopics: readonly string[];
  /** The group's other members write to another store or are another program, so that it does not let us in. */
  readonly groupRefused: boolean;
  readonly rebalances: number;
}

/**
 * A member of a consumer group. It keeps trying while the brokers are away, never gives up, and moves no position of
 * its own: the handler says where to read, and what it answers is the truth.
 */
export interface Consumer {
  /** Resolves at once; joining goes on after that. */
  start(handler: ConsumerHandler): void;
  /** Lets the arrival in hand end, leaves the group, closes connections. */
  stop(): Promise<void>;
  state(): ConsumerState;
}
