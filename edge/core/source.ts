import type { EventView } from "./event-view.ts";
import type { PutBatch } from "./stored-batch.ts";

/**
 * Reads lines from somewhere and appends them to its intake.
 *
 * - `start` checks and opens, and returns quickly; `run` works until the signal aborts and then returns.
 * - Nothing is lost when it stops at any moment: its stored positions say where to go on.
 * - It waits for `intake.ready` before it reads the next chunk: a full channel makes it wait, its file is the buffer.
 * - A file that cannot be read is reported and tried again; it never ends the others.
 */
export interface Source {
  start(): Promise<void>;
  run(intake: Intake, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /**
   * After `run` has ended, before `stop`: gives away what it holds open and might not find again, for the object that takes
   * its place. A source that finds everything by its stored positions has none.
   */
  handOver?(): Holding;
  /** Before `run`: what the object before, of the same source, held open. It is this one's to close from here on. */
  takeOver?(held: Holding): void;
  /** Why it does not read what it should just now, for `/readyz`: completes "source x …". Undefined: it does. */
  unready?(): string | undefined;
  /** For the status page: what it reads, how far it is. Plain values. */
  status(): Readonly<Record<string, unknown>>;
}

/** A record batch of another agent that was looked at: whole, of one lane, each record with its identity. */
export interface CarriedBatch extends Omit<PutBatch, "lane" | "kind" | "first" | "carried"> {
  /** See `PutBatch.carried`. */
  readonly carried: string;
  /** Who made it, and of which of its streams: for a group that is named after these. */
  readonly agent: string;
  readonly stream: string;
  /** The key that all its records have; undefined: they have none, or several. */
  readonly key: string | undefined;
  readonly hasSeveralKeys: boolean;
}

/** What a source that has ended held open. */
export interface Holding {
  /** Nobody takes it. */
  close(): void;
}

/** Something that moves through its input and can say how far it is, at the moment it is asked. */
export interface Positioned {
  readonly key: string;
  /** The position behind the last appended event, as text; undefined: forget the key. */
  position(): string | undefined;
}

/**
 * Where a source puts its events. Synchronous up to the moment of commit: `append` runs interceptors and selector and
 * encodes into the open batches; a commit happens only while the source waits (`ready`, `committed`) or is idle, never
 * inside `append`, so a position that is updated after its lines were appended and before the next wait is exact.
 */
export interface Intake {
  /**
   * Has `read` called once, right before the next commit: for a source that is busy, since lines that are read earlier
   * only wait longer, and those that are read later miss it. `read` appends what there is without waiting, while
   * `takesNow` says so, and asks again when it wants to be called for the commit after.
   */
  beforeCommit(read: () => void): void;
  /** Whether a chunk may be appended now, without waiting for `ready`. */
  takesNow(): boolean;
  /** One event: `buffer[start..end)`, without its line end. Copied before it returns. */
  append(buffer: Buffer, start: number, end: number): void;
  /** The same with facts the source knows: a header (file name, mark of a cut line), a key, an event time. `prepare` may set them on the view. */
  appendWith(buffer: Buffer, start: number, end: number, prepare: (view: EventView) => void): void;
  /**
   * A batch that another agent made, as it came: the same bytes go on, and its records keep their numbers. It passes no interceptor
   * and goes to every channel of the source. Only for a source whose definition says that it carries.
   */
  carry(batch: CarriedBatch): void;
  /** The position of `what` moved; it is asked for its text at the next commit. */
  moved(what: Positioned): void;
  /**
   * Resolves in the next turn of the event loop (sockets and timers get theirs), or when the channels have room again;
   * commits first when enough is pending.
   */
  ready(signal: AbortSignal): Promise<void>;
  /**
   * Commits what is pending and resolves with true when everything appended so far is as safe as its channels make it (see
   * `durable`). False: the signal aborted, or the intake was closed, before that was certain.
   */
  committed(signal: AbortSignal): Promise<boolean>;
  /**
   * What a commit means now: true, that what was appended survives kill -9 and a power cut. False, that a channel keeps it
   * by itself, in memory for example: a source that acknowledges must say so to its sender.
   */
  readonly durable: boolean;
  /** Adds to a counter of the stream, kept in the same transaction as the rows: `cut`, `lost_at_source`, … */
  count(name: string, amount: number): void;
  /** Positions stored for this stream, as of the start. */
  positions(): ReadonlyMap<string, string>;
}
