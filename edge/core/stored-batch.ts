import type { Lane } from "./lane.ts";

/**
 * A Kafka record batch (format v2, KIP-98) as it was built at put, and what its row knows. The bytes are complete and
 * valid as they stand, with no producer yet (producer id, epoch and base sequence are -1): a sink that sends them to
 * Kafka stamps those fields on its own copy of the header and combines the CRC.
 */
export interface StoredBatch {
  /** Ascends within a lane in the order of putting. */
  readonly id: number;
  readonly lane: Lane;
  /** `records`: what a source read. `shed`: one marker record in the place of `count` records that policy dropped. */
  readonly kind: "records" | "shed";
  /** Number (seq) of the first record in its lane. */
  readonly first: number;
  /** How many numbers of the lane it covers: its records, or for `shed` the records it stands for. */
  readonly count: number;
  /** Event times, milliseconds since 1970. */
  readonly timeMsMin: number;
  readonly timeMsMax: number;
  /** CRC-32C of the bytes behind the 61-byte header: combined with the stamped header's, it spares reading them again. */
  readonly recordsCrc: number;
  /**
   * Of a lane that carries: which records they are, in the words of the agent that numbered them,
   * `agent/epoch/stream.lane/first-last`, and by which aggregators it came (`carried.ts`). A marker in their place names these.
   * Left out: the lane's own numbers.
   */
  readonly carried?: string;
  /** The whole record batch. Owned by the reader of the row until it acknowledges; the header may be stamped in place. */
  readonly bytes: Buffer;
}

/** A batch on its way into a channel: sealed, not yet committed. */
export type PutBatch = Omit<StoredBatch, "id">;
