/**
 * What a kind of database must be able to do. All values of positions are texts that the database wrote and can compare again without
 * loss; nothing of them passes through a JavaScript number or date.
 */
import type { Config } from "./config.ts";
import type { Position } from "./position.ts";

/** A row as an event. */
export interface Row {
  /** One JSON object; cut at `limits.lineBytesMax`. */
  readonly body: Buffer;
  /** How long it was before it was cut. */
  readonly bytes: number;
  readonly position: Position;
  readonly key: string | undefined;
  /** Of a tracking column that is a time. */
  readonly timeMs: number | undefined;
}

/** Rows that are there and cannot be read in the order of the tracking column. */
export interface Unread {
  /** The tracking or the tie column is NULL, or not of the column's type. */
  readonly unplaced: number;
  /** In the future, by the database's clock. */
  readonly ahead: number;
}

/** Somebody who may still bring a row below one that can be seen already. */
export interface OpenTransaction {
  readonly id: string;
  /** For a person who looks for it: a process id, a connection id. */
  readonly who: string;
}

/** A connection to a database, until it fails. Every call ends within the config's deadlines, or rejects. */
export interface DatabaseSession {
  /** Compares the config with what is there. @throws AppError `EDGE_DATABASE_UNFIT`. */
  prepare(): Promise<void>;
  /** The last row that may be read now behind `after`; undefined: there is none. */
  top(after: Position | undefined): Promise<Position | undefined>;
  /** Whose transactions are open now; empty where a row can never become visible late. */
  openTransactions(): Promise<readonly OpenTransaction[]>;
  /** The next rows behind `after`, up to `top` and including it; not more than one read may hold. Empty: there are none. */
  page(after: Position | undefined, top: Position): Promise<readonly Row[]>;
  /** Rows that can be seen now between two positions, the second one included; undefined: they could not be counted in time. */
  count(after: Position | undefined, top: Position): Promise<number | undefined>;
  /** Rows that are not read; undefined: they could not be counted in time. */
  unread(): Promise<Unread | undefined>;
  /** Whether the largest value in the table is below this one: rows were deleted, or its counting began anew. */
  isBehind(position: Position): Promise<boolean>;
  /** Lets go of the connection, whatever it does. Never rejects. */
  close(): Promise<void>;
}

/** How a session is opened. */
export interface SessionOptions {
  readonly config: Config;
  /** The agent's own folder, whose files are never read as databases. */
  readonly dataDir: string;
  /** In the server's list of sessions. */
  readonly applicationName: string;
  readonly signal: AbortSignal;
}

/** Rows that are counted, not more: the number is for a person. */
export const countedMax = 1_000;
/** Rows of one read have so many bytes together; the first one comes in any case. */
export const pageBytesMax = 1024 * 1024;
