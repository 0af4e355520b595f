/** What stands in the data directory, and what of it would refuse a start. Apart from the rest, which loads SQLite. */
import { closeSync, lstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { fileTrouble, folderTrouble } from "../../../shared/files/folder-trouble.ts";
import { kindOf } from "../../../shared/files/open-regular.ts";
import { codes } from "./codes.ts";

/** Names of the agent's own files. */
export const fileNames = { channel: "channel.db", lock: "channel.lock", reserve: "channel.reserve" } as const;

/** Beside them, made and removed by SQLite. */
const companions = ["channel.db-wal", "channel.db-shm", "channel.lock-journal"];

/** Why nobody could start on this folder as this user, whatever is in its files; undefined: nothing is to be seen. Touches nothing. */
export function refusedFolder(dataDir: string): AppError | undefined {
  const folder = folderTrouble(dataDir);
  if (folder !== undefined) return folderError(dataDir, folder);
  const { channel, lock } = fileNames;
  for (const name of Object.values(fileNames)) {
    const path = join(dataDir, name);
    const other = otherThanFile(path);
    if (other === undefined) continue;
    const hint = "Move it away: a file of the agent's own belongs there.";
    return new AppError(codes.EDGE_DATA_DIR, `open ${path}: it is ${other}`, { hint });
  }
  for (const name of [lock, channel, ...companions]) {
    const file = fileTrouble(join(dataDir, name));
    if (file !== undefined) return folderError(dataDir, file);
  }
  return undefined;
}

/** Whose folder it is, how it is mounted, and whether there can be one of that name is for whoever set it up. */
export function folderError(dataDir: string, reason: string, cause?: unknown): AppError {
  const what = `open the data directory ${dataDir} as user ${process.geteuid?.()}: ${reason}`;
  return new AppError(codes.EDGE_DATA_DIR, what, { cause });
}

/** What has the name of a file of ours and is none: opening a FIFO may wait for ever. @throws the system's error. */
function otherThanFile(path: string): string | undefined {
  const link = lstatSync(path, { throwIfNoEntry: false });
  const found: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  if (link !== undefined && found === undefined) return "a link that leads nowhere";
  return found === undefined || found.isFile() ? undefined : kindOf(found);
}

/** The first bytes of each SQLite file. */
const magic = "SQLite format 3\0";

/** Whether it is there, holds something, and is no database. @throws the system's error. */
export function isNoDatabase(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.size === 0) return false;
  const first = Buffer.alloc(magic.length);
  const file = openSync(path, "r");
  try {
    readSync(file, first);
  } finally {
    closeSync(file);
  }
  return first.toString("latin1") !== magic;
}
