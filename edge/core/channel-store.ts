import type { Channel } from "./channel.ts";
import type { PutBatch } from "./stored-batch.ts";

/** A source's position under a key (a file, say) became `value`; undefined forgets the key. Text that explains itself. */
export interface PositionUpdate {
  readonly stream: string;
  readonly key: string;
  readonly value: string | undefined;
}

/** A counter of a stream grew: `read`, `filtered`, `cut`, `lost_at_source`, … */
export interface CounterUpdate {
  readonly stream: string;
  readonly name: string;
  readonly amount: number;
}

/** Everything that becomes durable together. */
export interface CommitWork {
  readonly batches: readonly PutBatch[];
  readonly positions: readonly PositionUpdate[];
  readonly counters: readonly CounterUpdate[];
}

/**
 * The agent's one file: channels, positions, counters, sessions. One transaction covers a put into several channels.
 */
export interface ChannelStore {
  /** See `Lane.epoch`. */
  readonly epoch: string;
  /** The channel of this name; the same one for the same question. */
  channel(name: string): Channel;
  /**
   * One transaction: batches, positions, counters, the acknowledgements since the last commit, and deletions that are
   * due. Batches are on disk when it returns (fsync); a commit without batches needs no fsync and makes none.
   *
   * Work that failed may be committed again as it is: nothing of it was stored. (When the disk leaves it open whether
   * it was, the store finds out before it answers.)
   *
   * @throws AppError `EDGE_CHANNEL_FULL` or `EDGE_CHANNEL_IO`; nothing was changed.
   */
  commit(work: CommitWork): void;
  /** Stored positions of a stream, by key. */
  positions(stream: string): ReadonlyMap<string, string>;
  /** Stored counters of a stream, by name. */
  counters(stream: string): ReadonlyMap<string, number>;
  /** Acknowledged bytes that no commit has marked yet: the committer commits when they pass `limits.unmarkedBytesMax`, and when idle. */
  readonly unmarkedBytes: number;
  /** A new epoch: lanes of the old one are only drained from now on. After a copy, a fenced session, a repaired file. */
  renewEpoch(reason: string): void;
  /** Marks what is acknowledged and closes the file. */
  close(): void;
}
