/**
 * One open connection to a channel file, and every statement that is run on it.
 */

import type Database from "better-sqlite3";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { ShedReason } from "../../../shared/identity/identity.ts";
import { codes } from "./codes.ts";
import { type DatabaseConnection, Sqlite } from "./driver.ts";
import { APPLICATION_ID, PAGE_BYTES, SCHEMA_VERSION, versionOf } from "./schema.ts";

/** A row of `batch`. */
export interface BatchRow {
  readonly first: number;
  readonly count: number;
  /** Null: records; else why they were shed. */
  readonly reason: ShedReason | null;
  readonly time_ms_min: number;
  readonly time_ms_max: number;
  readonly crc: number;
  readonly bytes: number;
  readonly body: number | null;
  readonly put_ms: number;
  /** See `PutBatch.carried`; null: the lane's own numbers. */
  readonly carried: string | null;
}

/** A row of `body`. */
export interface BodyRow {
  readonly lane: number;
  readonly first: number;
  readonly bytes: Buffer;
}

/** A row of `lane`. */
export interface LaneRow {
  readonly id: number;
  readonly channel: string;
  readonly stream: string;
  readonly epoch: string;
  readonly number: number;
  readonly topic: string;
  readonly partition: number | null;
  readonly partitions: number | null;
  readonly generation: number | null;
  /** 1: see `Lane.carries`. Not there in a lane that was made before there were such. */
  readonly carries?: number | null;
}

/** A row of `state`. */
export interface StateRow {
  readonly id: number;
  readonly what: string;
  readonly stream: string;
  readonly name: string;
  readonly value: string | number;
}

/** Pages of WAL at which SQLite copies them into the file: 16 MB. */
const checkpointPages = 4096;

/** Pages in memory, KiB. The driver's own default is 16 MB: pages of bodies that are read once, so a backlog filled it for nothing. */
const cacheKib = 2048;

/** The oldest SQLite without the WAL-reset corruption (sqlite.org/wal.html#walresetbug, fixed in 3.51.3). */
const sqliteVersionMin = [3, 51, 3] as const;

/**
 * Opens a file for the one process that writes it. `busyMs`: how long to wait for another program that has it locked, on
 * this connection: while it starts, an agent has time; later the thread is the flow's.
 *
 * @throws AppError `EDGE_CHANNEL_VERSION` for a newer file or another program's; SqliteError for what SQLite says.
 */
export function openForWriting(path: string, busyMs = 0): DatabaseConnection {
  const db = new Sqlite(path, { timeout: busyMs });
  try {
    assertSqliteVersion(db);
    assertOurs(db, path);
    db.pragma(`page_size = ${PAGE_BYTES}`); // of a file that is still to be made
    db.pragma("auto_vacuum = NONE");
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    db.pragma(`cache_size = -${cacheKib}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Refuses what is not ours or newer than we know. */
export function assertOurs(db: DatabaseConnection, path: string): void {
  const version = versionOf(db);
  const application = Number(db.pragma("application_id", { simple: true }));
  if (version > SCHEMA_VERSION) {
    throw new AppError(
      codes.EDGE_CHANNEL_VERSION,
      `open channel file ${path}: its version is ${version}, this program knows ${SCHEMA_VERSION}`,
    );
  }
  const tables = Number(db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get());
  if (application !== APPLICATION_ID && tables > 0) {
    throw new AppError(
      codes.EDGE_CHANNEL_VERSION,
      `open channel file ${path}: another program's database stands there`,
      { hint: "Move it away, or name another `dataDir`; nothing of it was changed." },
    );
  }
}

function assertSqliteVersion(db: DatabaseConnection): void {
  const text = String(db.prepare("SELECT sqlite_version()").pluck().get());
  const found = text.split(".").map(Number);
  for (const [index, wanted] of sqliteVersionMin.entries()) {
    const part = found[index] ?? 0;
    if (part > wanted) return;
    if (part < wanted) {
      throw new AppError(
        "INVARIANT",
        `SQLite is ${text}; before ${sqliteVersionMin.join(".")} a WAL reset can corrupt`,
      );
    }
  }
}

type Statement<Parameters extends unknown[], Row = unknown> = Database.Statement<Parameters, Row>;

const batchColumns = "first, count, reason, time_ms_min, time_ms_max, crc, bytes, body, put_ms, carried";

/** Every statement that reads; of a file that was not migrated, too: who looks at it from outside changes nothing. */
export class ReadStatements {
  readonly sessions: Statement<[number], { readonly destination: string; readonly value: string }>;

  /** The row that begins at or behind a number. */
  readonly rowFrom: Statement<[number, number], BatchRow>;
  /** The row of records that begins at or behind a number. */
  readonly recordsFrom: Statement<[number, number], BatchRow>;
  /** The row that begins at or before a number. */
  readonly rowBefore: Statement<[number, number], BatchRow>;
  readonly rowsBetween: Statement<[number, number, number], BatchRow>;
  readonly body: Statement<[number], BodyRow>;
  readonly slots: Statement<[number], { readonly id: number; readonly lane: number; readonly first: number }>;
  readonly oldestDead: Statement<[], { readonly id: number; readonly bytes: number; readonly body: number | null }>;

  constructor(readonly db: DatabaseConnection) {
    const columns = versionOf(db) < 2 ? batchColumns.replace("carried", "NULL AS carried") : batchColumns;
    this.sessions = db.prepare("SELECT destination, value FROM session WHERE lane = ?");

    const rows = `SELECT ${columns} FROM batch WHERE lane = ?`;
    this.rowFrom = db.prepare(`${rows} AND first >= ? ORDER BY first LIMIT 1`);
    this.recordsFrom = db.prepare(`${rows} AND first >= ? AND reason IS NULL ORDER BY first LIMIT 1`);
    this.rowBefore = db.prepare(`${rows} AND first <= ? ORDER BY first DESC LIMIT 1`);
    this.rowsBetween = db.prepare(`${rows} AND first >= ? AND first < ? ORDER BY first`);
    this.body = db.prepare("SELECT lane, first, bytes FROM body WHERE id = ?");
    this.slots = db.prepare("SELECT id, lane, first FROM body WHERE id <= ?");
    this.oldestDead = db.prepare("SELECT id, bytes, body FROM dead ORDER BY id LIMIT 1");
  }
}

/** Every statement of the flow, prepared once a connection. */
export class Statements extends ReadStatements {
  readonly begin: Statement<[]>;
  readonly commit: Statement<[]>;
  readonly rollback: Statement<[]>;

  readonly insertState: Statement<[string, string, string, string | number]>;
  readonly updateState: Statement<[string | number, number]>;
  readonly deleteState: Statement<[number]>;
  readonly setFile: Statement<[string, string | number]>;

  readonly insertLane: Statement<
    [number, string, string, string, number, string, number | null, number | null, number | null, number]
  >;
  readonly insertBatch: Statement<
    [number, number, number, ShedReason | null, number, number, number, number, number | null, number, string | null]
  >;
  readonly insertBody: Statement<[number, number, Buffer]>;
  readonly updateSlot: Statement<[number, number, Buffer, number]>;
  readonly deleteBody: Statement<[number]>;
  readonly deleteBatch: Statement<[number, number]>;
  readonly sweepBatches: Statement<[number, number]>;
  readonly makeMarker: Statement<[ShedReason, number, number]>;
  readonly growMarker: Statement<[number, number, number, number, number]>;
  readonly insertDead: Statement<[number, number, number, string, number, number, number, number, number | null]>;
  readonly deleteDead: Statement<[number]>;
  readonly saveSession: Statement<[number, string, string]>;

  constructor(db: DatabaseConnection) {
    super(db);
    this.begin = db.prepare("BEGIN IMMEDIATE");
    this.commit = db.prepare("COMMIT");
    this.rollback = db.prepare("ROLLBACK");

    this.insertState = db.prepare("INSERT INTO state (what, stream, name, value) VALUES (?, ?, ?, ?)");
    this.updateState = db.prepare("UPDATE state SET value = ? WHERE id = ?");
    this.deleteState = db.prepare("DELETE FROM state WHERE id = ?");
    this.setFile = db.prepare("INSERT OR REPLACE INTO file (name, value) VALUES (?, ?)");

    this.insertLane = db.prepare("INSERT OR IGNORE INTO lane VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.insertBatch = db.prepare(`INSERT INTO batch (lane, ${batchColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.insertBody = db.prepare("INSERT INTO body (lane, first, bytes) VALUES (?, ?, ?)");
    this.updateSlot = db.prepare("UPDATE body SET lane = ?, first = ?, bytes = ? WHERE id = ?");
    this.deleteBody = db.prepare("DELETE FROM body WHERE id = ?");
    this.deleteBatch = db.prepare("DELETE FROM batch WHERE lane = ? AND first = ?");
    this.sweepBatches = db.prepare("DELETE FROM batch WHERE lane = ? AND first < ?");
    this.makeMarker = db.prepare(
      "UPDATE batch SET reason = ?, bytes = 0, body = NULL, crc = 0 WHERE lane = ? AND first = ?",
    );
    this.growMarker = db.prepare(
      `UPDATE batch SET count = count + ?, time_ms_min = min(time_ms_min, ?), time_ms_max = max(time_ms_max, ?)
       WHERE lane = ? AND first = ?`,
    );
    this.insertDead = db.prepare(
      `INSERT INTO dead (lane, first, count, reason, time_ms_min, time_ms_max, crc, bytes, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.deleteDead = db.prepare("DELETE FROM dead WHERE id = ?");
    this.saveSession = db.prepare("INSERT OR REPLACE INTO session (lane, destination, value) VALUES (?, ?, ?)");
  }
}
