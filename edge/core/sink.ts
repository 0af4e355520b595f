import type { AppError } from "../../shared/errors/app-error.ts";
import type { Code } from "../../shared/errors/codes.ts";
import type { ErrorCode } from "../../shared/errors/error-code.ts";
import type { LaneNotes } from "./lane-notes.ts";
import type { PutBatch, StoredBatch } from "./stored-batch.ts";

/**
 * Brings batches to a destination. One lane at a time has one batch in delivery; lanes are independent.
 *
 * - `start` returns quickly and does not need the destination: a vehicle starts offline.
 * - `lane` is called once per lane; the state of the lane (a producer session, an open file) lives in what it returns.
 * - The runner, not the sink, acknowledges: one place ends a batch. What a sink is handed (`LaneNotes`) cannot.
 */
export interface Sink {
  start(): Promise<void>;
  lane(notes: LaneNotes): LaneDelivery;
  stop(): Promise<void>;
  /** Whether the destination answers now, as far as known; Kafka away is not "not ready". */
  status(): Readonly<Record<string, unknown>>;
  /**
   * Tries what delivering would need (addresses, certificates, permissions, folders) with the settings that delivering
   * would use, and changes nothing: it leaves no event, topic or file behind. For `check --connect`: called on a sink
   * that is never started and gets no lane; `stop` comes after it. Trouble is a finding, not a rejection. When the
   * signal aborts it answers soon, with what it has found. A sink without it has nothing that could be tried.
   */
  probe?(signal: AbortSignal): Promise<readonly Finding[]>;
  /**
   * Sends a small message beside the batches, once and best effort: for heartbeats. Resolves when the destination has it.
   * It touches no lane and no batch. A sink whose destination takes no messages is without it.
   *
   * @throws AppError why it is not there, or nobody knows; it is not tried again.
   */
  readonly tell?: ((message: SingleMessage, signal: AbortSignal) => Promise<void>) | undefined;
  /**
   * Its destination knows each record by its identity: a batch that it may have can come again, whatever came between. Without
   * it a group holds such a batch for whoever was sent it last.
   */
  readonly knowsRepeats?: boolean;
}

/** A message beside the batches; the newest one of a key is all that need be kept. */
export interface SingleMessage {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
  /** Names the sender, as a record's identity does: a signature is looked up under it. */
  readonly identity: string;
  readonly timeMs: number;
}

/** One thing that a probe looked at (an address, a topic, a folder): how it is, or what is wrong with it. */
export type Finding =
  | { readonly what: string; readonly says: string }
  | { readonly what: string; readonly error: AppError };

/** Delivers the batches of one lane, in order, one at a time. */
export interface LaneDelivery {
  /**
   * Resolves only when the destination has the batch, or has said that it never will.
   * An unknown outcome is a rejection (`transient`): the runner waits, with backoff, and delivers the same batch again.
   *
   * @throws AppError `transient`: tried again without end; `fatal`: the lane stops and health says so.
   */
  deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery>;
  /**
   * Resolves when it is worth trying again after a delivery that rejected: the runner waits no longer then. Also resolves
   * when the signal aborts. Where the destination cannot tell, it is left out, and the runner's own patience counts.
   */
  back?(signal: AbortSignal): Promise<void>;
  /**
   * Of a batch whose delivery rejected: how many of its events may be at the destination all the same. Without it: all.
   * Asked by a group before another member delivers the batch.
   */
  mayHave?(batch: StoredBatch): number;
  /**
   * What lies before this number and was not delivered here was delivered by another sink of the group; from this number
   * on nothing was ever sent here. Told before the first delivery of such a stretch, and again after a start: telling it
   * twice changes nothing.
   */
  resumed?(from: number): void;
  /** The lane's own facts for the status page: where it sends to, and as whom. */
  status?(): Readonly<Record<string, unknown>>;
  /**
   * Nothing more is delivered here, and this batch has not ended: how many of its records, from the first on, the destination has for
   * certain. They are acknowledged, and whoever delivers the rest does not send them again. Left out: none.
   */
  leave?(batch: StoredBatch): number;
}

/** How a delivery ended. */
export type Delivery =
  /** The destination has it. `mark` is kept with the acknowledgement and given back as `LaneNotes.mark`. */
  | { readonly kind: "delivered"; readonly mark?: string }
  /** Never: bury it, go on behind it. */
  | { readonly kind: "refused"; readonly code: Code | ErrorCode; readonly reason: string }
  /** Too large as it is: put these in its place and deliver them one after the other. */
  | { readonly kind: "split"; readonly parts: readonly PutBatch[] };
