import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { AppError } from "../../../shared/errors/app-error.ts";
import { schema, schemaVersion } from "./schema.ts";

/** The first release without the WAL-reset corruption (sqlite.org, 3.51.3). */
const sqliteVersionMin = [3, 51, 3] as const;

/** How long a statement waits for another process's transaction before the writer waits by itself, heartbeats and all. */
const busyMs = 200;

/** Opens the file for the one connection that writes; makes the folder and the tables when they are not there. */
export function openWriter(path: string): Database.Database {
  mkdirSync(dirname(path), { recursive: true });
  const database = new Database(path, { timeout: busyMs });
  try {
    checkLibrary(database);
    database.pragma("page_size = 8192");
    database.pragma("journal_mode = WAL");
    // Positions are in the same transaction as the rows: what a power cut takes from the end of the WAL is read again
    // from the topic. NORMAL saves a sync per transaction and never leaves a damaged file.
    database.pragma("synchronous = NORMAL");
    database.pragma("cache_size = -32768");
    database.pragma("wal_autocheckpoint = 2000");
    database.pragma("journal_size_limit = 67108864");
    database.pragma("temp_store = MEMORY");
    migrate(database, path);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Opens the file for reading; sees each transaction whole or not at all, and never waits for the writer. */
export function openReader(path: string): Database.Database {
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: busyMs });
  database.pragma("cache_size = -16384");
  return database;
}

/** Which file this is: a store that was moved away or replaced under us must be noticed, not written to. */
export function fileIdentity(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

function checkLibrary(database: Database.Database): void {
  const text = String(database.prepare("select sqlite_version()").pluck().get());
  const found = text.split(".").map(Number);
  for (const [index, needed] of sqliteVersionMin.entries()) {
    const part = found[index] ?? 0;
    if (part > needed) return;
    if (part < needed) {
      throw new AppError("INVARIANT", `open the store: SQLite ${text}, needs ${sqliteVersionMin.join(".")} or newer`);
    }
  }
}

function migrate(database: Database.Database, path: string): void {
  const version = () => Number(database.pragma("user_version", { simple: true }));
  if (version() === schemaVersion) return;
  database.exec("begin immediate");
  try {
    const found = version();
    if (found > schemaVersion) {
      throw new AppError(
        "CENTRAL_STORE_VERSION",
        `open the store ${path}: schema ${found}, this knows ${schemaVersion}`,
      );
    }
    if (found === 0) database.exec(schema);
    database.pragma(`user_version = ${schemaVersion}`);
    database.exec("commit");
  } catch (thrown) {
    if (database.inTransaction) database.exec("rollback");
    throw thrown;
  }
}
