import {
  constants,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
import { applicationId, migrations, schema, schemaVersion } from "./schema.ts";

/** The first release without the WAL-reset corruption (sqlite.org, 3.51.3). */
const sqliteVersionMin = [3, 51, 3] as const;

/** How long a statement waits for another process's transaction before the writer waits by itself, heartbeats and all. */
const busyMs = 200;

/** Opens the file for the one connection that writes; makes the folder and the tables when they are not there, and tells. */
export function openWriter(path: string, onMade: () => void = () => undefined): Database.Database {
  mkdirSync(dirname(path), { recursive: true });
  return openChecked(path, { make: true }, onMade);
}

/** The same of a store that was there before. Makes nothing: where it is not, somebody will put it back. */
export function reopenWriter(path: string): Database.Database {
  return whatIsThere(path, () => openChecked(path, { make: false }));
}

/** What stands in the place of a store is not the store: that is waited for, whoever asks. At a start it ends the process. */
function whatIsThere(path: string, open: () => Database.Database): Database.Database {
  const found = statOf(path);
  if (found === undefined) throw gone(path, "its file is gone");
  // SQLite would make a database of it.
  if (found.isFile() && found.size === 0) throw gone(path, "an empty file stands in its place");
  try {
    return open();
  } catch (thrown) {
    if (hasCode(thrown, "CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION")) throw gone(path, thrown.message);
    if (isNoDatabase(thrown)) throw gone(path, "what stands there is no database");
    throw thrown;
  }
}

function gone(path: string, what: string): AppError {
  return new AppError("CENTRAL_STORE_UNAVAILABLE", `use the store ${path}: ${what}; nothing is made there`, {
    hint: "Put its file back, and it goes on by itself; or stop central and start it to begin with an empty store.",
  });
}

/**
 * What is deleted inside a page, and what is left of a page whose content moves to another one, is overwritten at once: an erasure cannot
 * find it later. It costs no write. Pages that become free are another matter (replay/free-pages.ts).
 */
export const secureDelete = "secure_delete = fast";

function openChecked(path: string, { make }: { readonly make: boolean }, onMade = () => {}): Database.Database {
  checkIsFile(path);
  const database = new Database(path, { timeout: busyMs, fileMustExist: !make });
  try {
    checkLibrary(database);
    // Before anything that writes: another program's database is left as it is.
    checkOwner(database, path);
    if (!make) checkHasTables(database, path);
    database.pragma("page_size = 8192");
    database.pragma("journal_mode = WAL");
    // Positions are in the same transaction as the rows: what a power cut takes from the end of the WAL is read again
    // from the topic. NORMAL saves a sync per transaction and never leaves a damaged file.
    database.pragma("synchronous = NORMAL");
    database.pragma("cache_size = -32768");
    database.pragma("wal_autocheckpoint = 2000");
    database.pragma("journal_size_limit = 67108864");
    database.pragma("temp_store = MEMORY");
    database.pragma(secureDelete);
    if (migrate(database, path) === "made") onMade();
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

function checkHasTables(database: Database.Database, path: string): void {
  if (versionOf(database) === 0) throw gone(path, "a database without tables stands in its place");
}

/**
 * Opens the file for reading; sees each transaction whole or not at all, and never waits for the writer.
 *
 * @throws AppError `CENTRAL_STORE_UNAVAILABLE` when something else stands in its place: a question never ends the process.
 */
export function openReader(path: string): Database.Database {
  return whatIsThere(path, () => {
    checkIsFile(path);
    const database = new Database(path, { readonly: true, fileMustExist: true, timeout: busyMs });
    try {
      checkOwner(database, path);
      checkHasTables(database, path);
      database.pragma("cache_size = -16384");
      return database;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  });
}

/**
 * Which write-ahead log a connection uses beside the file. Both of its files live as long as the connection: one that was
 * taken away takes with it, at the next start, whatever was stored since the last checkpoint.
 */
export function logIdentity(path: string): string {
  return [`${path}-wal`, `${path}-shm`].map((file) => fileIdentity(file) ?? missing).join(" ");
}

const missing = "none";

/** Whether a connection was made that has a log's file which is nowhere: SQLite shares one among all of a process. */
export function isIncomplete(identity: string): boolean {
  return identity.includes(missing);
}

/** Which file this is: a store that was moved away or replaced under us must be noticed, not written to. */
export function fileIdentity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined; // Not there, or its folder may not be entered: as good as gone, until it is back.
  }
}

/**
 * Whether a connection that has read may stay open until the next read. SQLite opens the shared memory of the write-ahead
 * log once for all connections of a process. Opened where it cannot be written to (a read-only mount, missing rights), it
 * stays read-only for all of them until the last one is closed, whatever becomes of the mount: the writer would never
 * recover beside a reader that is always open.
 *
 * Asked is how it was opened, not what may be done with the file now. A reader that opens in the moment after the file
 * became writable shares what the writer's last try, not closed yet, had opened before.
 */
export function sharedMemoryIsWritable(path: string): boolean {
  try {
    const { dev, ino } = statSync(`${path}-shm`, { bigint: true });
    return openFiles().some((fd) => {
      const file = fstatSync(fd, { bigint: true });
      return file.ino === ino && file.dev === dev && isOpenForWriting(fd);
    });
  } catch {
    return false; // Gone, or nobody can tell: a reader that is opened anew costs a millisecond.
  }
}

/** Descriptors of this process whose names end like that of a shared memory. */
function openFiles(): number[] {
  const isSharedMemory = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).endsWith("-shm");
    } catch {
      return false; // Closed meanwhile, as the one that lists the folder is.
    }
  };
  return readdirSync("/proc/self/fd").filter(isSharedMemory).map(Number);
}

function isOpenForWriting(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 0o3) === constants.O_RDWR;
}

/** SQLite would wait in the opening of a FIFO for ever, and try a folder or a device again and again. */
function checkIsFile(path: string): void {
  const found = statOf(path);
  if (found === undefined || found.isFile()) return;
  const what = found.isDirectory() ? "a folder" : found.isFIFO() ? "a FIFO" : "a device or a socket";
  throw new AppError("CENTRAL_STORE_FOREIGN", `open the store ${path}: it is ${what}, no file`);
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined; // Not there, or nobody may look: SQLite says which.
  }
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

/**
 * Makes the tables in an empty file, or those that are new since the file was written.
 *
 * @throws AppError `CENTRAL_STORE_VERSION` when a newer version has written it, `CENTRAL_STORE_FOREIGN` when it is
 * another program's: nothing is written into it.
 */
function migrate(database: Database.Database, path: string): "made" | "found" {
  checkOwner(database, path);
  if (versionOf(database) === schemaVersion) return "found";
  database.exec("begin immediate");
  try {
    checkOwner(database, path);
    const found = versionOf(database);
    if (found === 0) database.exec(schema);
    for (let from = found; from > 0 && from < schemaVersion; from++) database.exec(migrations[from] ?? "");
    database.pragma(`application_id = ${applicationId}`);
    database.pragma(`user_version = ${schemaVersion}`);
    database.exec("commit");
    return found === 0 ? "made" : "found";
  } catch (thrown) {
    if (database.inTransaction) database.exec("rollback");
    throw thrown;
  }
}

/** Ours: marked so, or empty, or with the tables of the version that did not mark its files yet. */
function checkOwner(database: Database.Database, path: string): void {
  const owner = Number(database.pragma("application_id", { simple: true }));
  const tables = database.prepare<[], string>("select name from sqlite_schema where type = 'table'").pluck().all();
  const version = versionOf(database);
  const empty = tables.length === 0 && owner === 0;
  const unmarked = owner === 0 && version === 1 && ["source", "lane", "ledger"].every((name) => tables.includes(name));
  if (version > schemaVersion && (owner === applicationId || empty)) {
    throw new AppError(
      "CENTRAL_STORE_VERSION",
      `open the store ${path}: schema ${version}, this knows ${schemaVersion}`,
    );
  }
  if (owner === applicationId || unmarked || (empty && version === 0)) return;
  throw new AppError("CENTRAL_STORE_FOREIGN", `open the store ${path}: it is another program's database`);
}

function versionOf(database: Database.Database): number {
  return Number(database.pragma("user_version", { simple: true }));
}

/**
 * Says at the start what no waiting can cure: a store of a newer version, or another program's file. A file that is
 * not there or cannot be read now is no mistake: the writing half waits for it.
 *
 * @throws AppError `CENTRAL_STORE_VERSION` or `CENTRAL_STORE_FOREIGN`.
 */
export function checkStoreFile(path: string): void {
  let database: Database.Database | undefined;
  try {
    checkIsFile(path);
    database = new Database(path, { readonly: true, fileMustExist: true, timeout: busyMs });
    checkOwner(database, path);
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    if (!isNoDatabase(thrown)) return;
    throw new AppError("CENTRAL_STORE_FOREIGN", `open the store ${path}: it is no database`, { cause: thrown });
  } finally {
    database?.close();
  }
}

function isNoDatabase(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "SQLITE_NOTADB";
}
