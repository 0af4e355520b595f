import type { Clock } from "../../shared/clock/clock.ts";
import type { AppError } from "../../shared/errors/app-error.ts";
import type { Random } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { ChannelSettings, FullPolicy, StoreKeptChannel } from "./channel.ts";
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
  /** The channel of this name, of those that it was opened or configured with; the same one for the same question. */
  channel(name: string): StoreKeptChannel;
  /**
   * The config names these channels from now on: new ones are made, those that stay take their new bounds and keep what
   * they hold, the others are let go of.
   *
   * @throws AppError `EDGE_CHANNEL_UNNAMED` when one that is no longer named holds events; nothing was changed.
   */
  configure(channels: ReadonlyMap<string, StoredChannel>): void;
  /**
   * One transaction: batches, positions, counters, the acknowledgements since the last commit, and deletions that are
   * due. Batches are on disk when it returns (fsync); a commit without batches needs no fsync and makes none.
   *
   * Work that failed may be committed again: nothing of it was stored. When the disk leaves it open whether it was, the
   * store finds out before it answers; when it cannot even find out, it fails, and the same work object committed again
   * is answered by what turns out: so hand in the same object until it succeeds.
   *
   * The bytes of the batches belong to the store from here on: it serves them from memory while they are fresh.
   *
   * @throws AppError `EDGE_CHANNEL_FULL` or `EDGE_CHANNEL_IO`; nothing was changed.
   */
  commit(work: CommitWork): void;
  /** Stored positions of a stream, by key. */
  positions(stream: string): ReadonlyMap<string, string>;
  /** Streams of which positions are stored, whether a source has their name or not. */
  streams(): ReadonlySet<string>;
  /** Stored counters of a stream, by name. */
  counters(stream: string): ReadonlyMap<string, number>;
  /** Acknowledged bytes that no commit has marked yet: the committer commits when they pass `limits.unmarkedBytesMax`, and when idle. */
  readonly unmarkedBytes: number;
  /** A new epoch: lanes of the old one are only drained from now on. After a copy, a fenced session, a repaired file. */
  renewEpoch(reason: string): void;
  /** Why a start would not find what is stored now: the file was moved, removed or replaced. Undefined: it would. */
  misplaced(): string | undefined;
  /** Marks what is acknowledged and closes the file. */
  close(): void;
}

/** What the agent's file knows of a channel that has rows in it. */
export interface StoredChannel {
  readonly settings: ChannelSettings;
  readonly bytesMax: number;
  readonly full: FullPolicy;
  /** Disk space that others keep: the channel counts as full below it. */
  readonly freeBytesMin: number;
  /** Batches older than this are shed; undefined: never. */
  readonly ttlMs: number | undefined;
  /** Delivered batches that are kept for a while. */
  readonly keptBytes: number;
}

/** What a store is opened with. */
export interface ChannelStoreOptions {
  readonly dataDir: string;
  readonly agent: string;
  /** Those channels of the config that have rows in it, by name; none, and positions are kept all the same. */
  readonly channels: ReadonlyMap<string, StoredChannel>;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  readonly metrics: Metrics;
  /**
   * Told of an error that no more can be done with this file in this process, before it is thrown: whoever asked may answer
   * it in a way of its own (a page of the admin HTTP, a sink). Undefined: being thrown is enough.
   */
  readonly onDamage?: ((error: AppError) => void) | undefined;
}

/**
 * Opens the agent's file, or makes it.
 *
 * @throws AppError `EDGE_CHANNEL_LOCKED`, `EDGE_CHANNEL_UNNAMED`, `EDGE_CHANNEL_VERSION`, `EDGE_CHANNEL_IO`.
 */
export type OpenChannelStore = (options: ChannelStoreOptions) => ChannelStore;
