import { statSync } from "node:fs";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";
import type { DatabaseConnection } from "./driver.ts";
import { Sqlite, sqliteCode } from "./driver.ts";

/** Holds the data directory for one process. */
export interface Lock {
  /** How often the directory was started, as the lock remembers it: a restored channel file remembers less. */
  readonly starts: number;
  /** Remembers a start. */
  started(starts: number): void;
  release(): void;
}

/**
 * A second, tiny SQLite file held in an exclusive transaction: the lock is the kernel's (fcntl), so it dies with the
 * process, however that ends, and there is no stale file to clear away. The channel file itself stays readable for
 * `tailgate channel`.
 *
 * @throws AppError `EDGE_CHANNEL_LOCKED` when another process holds it.
 */
export function takeLock(path: string): Lock {
  const db = new Sqlite(path, { timeout: 0 });
  try {
    db.pragma("journal_mode = DELETE");
    db.exec("CREATE TABLE IF NOT EXISTS start (starts INTEGER NOT NULL)");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY") !== true) throw error;
    throw new AppError(codes.EDGE_CHANNEL_LOCKED, `lock ${path}: another process holds it`, { cause: error });
  }
  return {
    starts: Number(db.prepare("SELECT max(starts) FROM start").pluck().get() ?? 0),
    started: (starts) => remember(db, starts),
    release: () => db.close(),
  };
}

/** Whether another process holds it; touches nothing. */
export function isLocked(path: string): boolean {
  let db: DatabaseConnection | undefined;
  try {
    // A FIFO would be waited for.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
    db = new Sqlite(path, { readonly: true, timeout: 0 });
    db.prepare("SELECT count(*) FROM start").get();
    return false;
  } catch (error) {
    return sqliteCode(error)?.startsWith("SQLITE_BUSY") === true;
  } finally {
    db?.close();
  }
}

/** Writes and locks again; who comes in between finds the lock free and takes it, which is an error like any other. */
function remember(db: DatabaseConnection, starts: number): void {
  // A full disk may have ended the transaction that holds the lock.
  if (!db.inTransaction) db.exec("BEGIN EXCLUSIVE");
  db.exec(`DELETE FROM start; INSERT INTO start VALUES (${starts}); COMMIT; BEGIN EXCLUSIVE`);
}
