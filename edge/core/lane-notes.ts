import type { Lane } from "./lane.ts";
import type { StoredBatch } from "./stored-batch.ts";

/**
 * One lane as its sink sees it: what the sink may know and note down about it. Nothing here ends a batch; that is the
 * runner's side (`LaneReader`).
 */
export interface LaneNotes {
  readonly lane: Lane;
  /**
   * The first batch after `after` (after the last acknowledged one, when undefined) that is not acknowledged yet.
   * Undefined when there is none. Every body is checked by its CRC; one that fails is quarantined, counted, and a
   * `shed` marker (`damaged`) comes in its place.
   */
  next(after?: StoredBatch): StoredBatch | undefined;
  /** From now on policy must not shed this batch: it is about to be sent. */
  lease(batch: StoredBatch): void;
  /** A batch that was acknowledged already but is still kept: the one that holds this number; undefined when it is gone. */
  kept(seq: number): StoredBatch | undefined;
  /** The sink's own note of the last acknowledged batch that became durable; as of the last start or acknowledgement. */
  readonly mark: string | undefined;
  /** The sink's session of this lane under `destination`; undefined when it has none. */
  session(destination: string): string | undefined;
  /** Stores the session, durable on return. */
  saveSession(destination: string, session: string): void;
  /** Numbers below this one were put before this sink began on the lane (a start, a reload): they may have been sent by the one before. */
  readonly seqAtStart: number;
  /** Nothing before this number was ever delivered through this sink: 0, or where a member of a group came to the lane. */
  readonly begins: number;
  /** Adds to a counter of this lane that is kept beside its rows (`maybe_repeated`, `lost_by_broker`, …). */
  count(name: string, amount: number): void;
}
