/**
 * Why a start on a data directory would be refused, for whoever asks before there is one. The errors are those of the start
 * itself. Touches nothing: a database that nobody has open is read into memory, because SQLite would leave a log beside it.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { nearestThere } from "../../../shared/files/folder-trouble.ts";
import { writableBytes } from "../../../shared/files/free-bytes.ts";
import { codes } from "./codes.ts";
import { assertOurs } from "./connection.ts";
import { fileNames, isNoDatabase, refusedFolder } from "./data-files.ts";
import { type DatabaseConnection, Sqlite, sqliteCode } from "./driver.ts";
import { readLanes } from "./lane-state.ts";
import { heldOf } from "./progress.ts";
import { PAGE_BYTES } from "./schema.ts";

/** What a new file takes, all of it in the log, with its lock: measured. The reserve comes later, and is not insisted on. */
const newFileBytes = 2_144 * 1024;
/** Lanes and their progress are among the first pages; what lies behind these is not asked. */
const lookBytesMax = 64 * 1024 * 1024;

/** The first thing that a start would refuse; undefined: nothing, as far as is to be seen from outside. */
export function startRefusal(dataDir: string, channels: ReadonlyMap<string, unknown>): AppError | undefined {
  const folder = refusedFolder(dataDir);
  if (folder !== undefined) return folder;
  const lock = join(dataDir, fileNames.lock);
  if (isNoDatabase(lock)) return lockError(lock);
  const path = join(dataDir, fileNames.channel);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0 && !hasLog(path)) return tooSmall(dataDir, path);
  try {
    const db = look(path, size);
    if (db === undefined) return undefined;
    try {
      assertOurs(db, path);
      refuseUnnamed(db, path, channels);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof AppError) return error;
    // Damage is no reason not to start: the file is written anew from what can be read.
    if (sqliteCode(error) === undefined) throw error;
  }
  return undefined;
}

/** What to do about a lock that is none. */
export function lockError(path: string, cause?: unknown): AppError {
  const hint = `Remove ${path}: it only remembers how often the agent was started, and is made anew.`;
  return new AppError(codes.EDGE_DATA_DIR, `open ${path}: ${sqliteCode(cause) ?? "SQLITE_NOTADB"}`, { cause, hint });
}

/** @throws AppError `EDGE_CHANNEL_UNNAMED` */
export function refuseUnnamed(db: DatabaseConnection, path: string, channels: ReadonlyMap<string, unknown>): void {
  const held = new Map<string, number>();
  for (const { lane, progress } of readLanes(db)) {
    if (!channels.has(lane.channel)) held.set(lane.channel, (held.get(lane.channel) ?? 0) + heldOf(progress));
  }
  const words = [...held].filter(([, events]) => events > 0).map(([name, events]) => `"${name}" (${events} events)`);
  if (words.length === 0) return;
  throw new AppError(
    "EDGE_CHANNEL_UNNAMED",
    `open ${path}: it holds events of channels that the config does not name: ${words.join(", ")}`,
  );
}

function tooSmall(dataDir: string, path: string): AppError | undefined {
  if (writableBytes(nearestThere(dataDir)) >= newFileBytes) return undefined;
  return new AppError("EDGE_CHANNEL_FULL", `open channel file ${path}: disk full`);
}

/** With a log beside it the file is read where it stands, as its agent reads it; else its beginning, in memory. Undefined: not to be seen. */
function look(path: string, size: number): DatabaseConnection | undefined {
  if (hasLog(path)) return existsSync(`${path}-shm`) ? new Sqlite(path, { readonly: true, timeout: 1_000 }) : undefined;
  const bytes = Buffer.alloc(Math.min(size - (size % PAGE_BYTES), lookBytesMax));
  const file = openSync(path, "r");
  try {
    if (bytes.length === 0 || readSync(file, bytes, 0, bytes.length, 0) !== bytes.length) return undefined;
  } finally {
    closeSync(file);
  }
  // In memory there is no log (fileformat2.html: write and read version), and as many pages as were read.
  bytes.writeUInt16BE(0x0101, 18);
  bytes.writeUInt32BE(bytes.length / PAGE_BYTES, 28);
  return new Sqlite(bytes);
}

function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}
