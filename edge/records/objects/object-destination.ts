import type { Finding } from "../../core/sink.ts";

/** Where whole objects are written to (files of a store, keys of a bucket): each by one name, all or nothing. */
export interface ObjectDestination {
  /** Returns quickly and does not need the other side. */
  start?(): Promise<void>;
  /**
   * Begins an object. Nobody sees it under its name before `close` has resolved; then it stands there whole, in the place of
   * one that stood there before.
   *
   * @throws AppError `transient`
   */
  open(name: string, signal: AbortSignal): Promise<ObjectWriter>;
  stop?(): Promise<void>;
  /** Plain values for the status page. */
  status(): Readonly<Record<string, unknown>>;
  /** See `Sink.probe`. */
  probe?(signal: AbortSignal): Promise<readonly Finding[]>;
}

/** An object that is being written. What fails leaves nothing under the name. */
export interface ObjectWriter {
  /** Resolves when more may come: what it holds in memory is bounded. */
  write(bytes: Buffer): Promise<void>;
  /** Resolves when the other side has the object for good. */
  close(): Promise<void>;
  /** It is not finished: as if it had not begun. Does not reject. */
  discard(): Promise<void>;
}

/** When an object is full. */
export interface Roll {
  /** Bytes of its events' bodies; 0: however many. */
  readonly bytes: number;
  /** Its events; 0: however many. */
  readonly records: number;
  /** Milliseconds since its first event was taken up; 0: however long. */
  readonly intervalMs: number;
  /** Milliseconds in which nothing came; 0: however long. */
  readonly idleMs: number;
}
