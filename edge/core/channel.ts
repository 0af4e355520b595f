import type { Gate } from "../../shared/async/gate.ts";
import type { Lane, LaneSpec } from "./lane.ts";
import type { LaneNotes } from "./lane-notes.ts";
import type { Layout } from "./layout.ts";
import type { PutBatch, StoredBatch } from "./stored-batch.ts";

/** What a channel does with an event when it is full. */
export type FullPolicy = "block" | "drop_oldest" | "drop_newest";

/** What every channel config has, whatever its type. */
export interface ChannelSettings {
  /** Compression of the record batches, done once at put. */
  readonly compression: "zstd" | "gzip" | "none";
  /** Whether every record carries the identity header: off saves a few bytes and gives up the ledger and the store's proof. */
  readonly identity: boolean;
  /** Uncompressed bytes at which an open batch is sealed. */
  readonly batchBytesMax: number;
}

/**
 * Whether a put is welcome now: `open`; `blocked` (policy `block` and no room: the source waits, its file is the
 * buffer); `dropping` (policy `drop_newest` and no room: the intake counts the event as shed and goes on).
 */
export type Admission = "open" | "blocked" | "dropping";

/**
 * Where a channel keeps its batches, and with that when the position of a source that feeds it may move:
 * - `store`: as rows of the agent's file, in the transaction that moves the position. Exactly once.
 * - `elsewhere`: as durable, in a place of its own. The position moves when the channel says that it has them; what was
 *   put in between may come again after a crash.
 * - `memory`: what it holds dies with the process. The position moves when the batch was delivered, so the source reads
 *   again what was not: nothing is lost, some may come again.
 */
export type Keeping = "store" | "elsewhere" | "memory";

/** A channel of either kind. The engine asks `keeping`, never for a type. */
export type Channel = StoreKeptChannel | SelfKeptChannel;

/** Its batches are committed by `ChannelStore.commit`. */
export interface StoreKeptChannel extends ChannelBase {
  readonly keeping: "store";
}

/** It is handed its batches after the commit that it rides beside. */
export interface SelfKeptChannel extends ChannelBase {
  readonly keeping: "elsewhere" | "memory";
  /** Takes batches, all or none; `ended` is called once for each when its source's position may move past it. */
  put(batches: readonly PutBatch[], ended: () => void): void;
  /**
   * Sinks begin to drain it, and lay events out so; undefined: no sink of this agent does. Of channels that others may feed: what they
   * bring is laid into lanes here, since no source of ours has done it.
   */
  drainedBy?(layout: Layout | undefined): void;
  /** See `SinkContext.partsKnown`; of such channels. */
  partsKnown?(group: string, parts: number): void;
  /**
   * Writes down what it can, and lets go of what it holds open; called after the sinks have stopped.
   *
   * @returns how many events that it holds go with it.
   */
  close(): Promise<number>;
}

/**
 * Holds batches between put and delivery. Reading does not delete; a batch goes after the sink has acknowledged it.
 *
 * Promises, checked by the channel contract:
 * - Batches of a lane come out in the order they were put, each one until it is acknowledged, also after a crash.
 * - Numbers (seq) of a lane are contiguous: a batch begins where the one before ended; none is ever used for two contents.
 * - What policy sheds is whole batches never taken for sending, oldest first; a `shed` marker stands in their place.
 * - Memory does not depend on the backlog.
 */
interface ChannelBase {
  readonly name: string;
  readonly settings: ChannelSettings;

  /** All lanes that hold batches or may still be put to, in the order they were made. */
  lanes(): readonly Lane[];
  /** Makes a lane; it becomes durable with the first batch that is committed to it. */
  createLane(spec: LaneSpec): Lane;
  /** The number that the next record of the lane gets. */
  nextSeq(lane: Lane): number;
  /** Where what is not acknowledged begins. Reads no body: for heartbeats. */
  oldest(lane: Lane): OldestHeld;
  /** See `Admission`. Cheap: asked once a chunk. */
  admission(): Admission;
  /** Opens when `admission` may have changed to the better. */
  readonly room: Gate;

  /** Opens after a commit that brought batches to this channel, and when a lane became ready. */
  readonly arrived: Gate;
  /** The reading side of one lane, for the sink runner. */
  reader(lane: Lane): LaneReader;
  /**
   * Somebody else delivers from now on, in the same process: what was handed out until now may have been sent, and
   * `seqAtStart` says so to the next sink.
   */
  handOver(): void;
  /** It holds more than the batches of one commit: its sink is behind or away. Cheap: asked at each commit. */
  isBehind(): boolean;
  /** Figures for status pages and metrics. */
  stat(): ChannelStat;
}

/**
 * One lane as the runner works it: beside what the sink sees, how a batch ends. Only the runner (`engine/run-lane.ts`) and the
 * channel know this side; a sink is handed `LaneNotes`, so no sink can end a batch.
 */
export interface LaneReader extends LaneNotes {
  /**
   * The batch is under way, and the thread has nothing to do until its answer comes: the work of bringing the next one
   * into memory, so that the answer finds it there. Undefined when it is there already, or nothing comes next.
   */
  readAhead(batch: StoredBatch): (() => void) | undefined;
  /**
   * The destination has it: the oldest batch that is held, batches end in order. Counted and forgotten; becomes durable with the next commit, `mark` in the same
   * transaction. After a crash a few acknowledged batches may come again.
   */
  acknowledge(batch: StoredBatch, mark: string | undefined): void;
  /**
   * The destination will never take it: kept apart for `channel export --dead`, counted as dead with the reason. A
   * `shed` marker (`dead`) stands in its place and is what `next()` gives now; a marker that is buried just goes.
   * Durable on return.
   */
  bury(batch: StoredBatch, reason: string): void;
  /** Puts parts in a batch's place (same numbers, other cuts), durable on return; `next()` gives the parts. */
  replace(batch: StoredBatch, parts: readonly PutBatch[]): void;
}

/** What of a lane is not acknowledged begins here; at its end when nothing is held. */
export interface OldestHeld {
  readonly from: number;
  /** Event time of the oldest record; undefined when nothing is held. */
  readonly timeMs: number | undefined;
}

/** Figures of one channel; bytes as stored. */
export interface ChannelStat {
  readonly events: number;
  readonly batches: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** Age of the oldest held batch by uptime; undefined when nothing is held or its age is unknown. */
  readonly oldestMs: number | undefined;
  readonly admission: Admission;
  /** What keeps it from taking more: its own bound, or the disk that others need, too. Undefined while it takes. */
  readonly fullBy: "capacity" | "disk" | undefined;
  /** All lanes ever made, drained ones of old epochs too: the books of a stream are their sum. */
  readonly lanes: readonly LaneStat[];
  /** What else there is to say of it, as plain values: of a channel that is not on this machine. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** The books of one lane: `put = sent + shed + dead + held`. */
export interface LaneStat {
  readonly lane: Lane;
  readonly put: number;
  readonly sent: number;
  readonly shed: number;
  readonly dead: number;
  readonly held: number;
  readonly counters: Readonly<Record<string, number>>;
}
