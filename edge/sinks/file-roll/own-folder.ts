/** Which folder it is that files in progress lie in: the one that a mark speaks of, or another one in its place. */
import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { birthNs } from "../../../shared/files/birth.ts";
import type { FolderId, FolderMark } from "./mark.ts";
import { codeOf } from "./publish.ts";

/** The folder at this path as it is now; undefined when there is none. */
export async function folderAt(path: string): Promise<FolderId | undefined> {
  try {
    const stat = await lstat(path, { bigint: true });
    return stat.isDirectory() ? folderId(path, stat) : undefined;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw thrown;
  }
}

/** What a stat says of a folder. */
export function folderId(path: string, stat: Pick<BigIntStats, "ino" | "dev" | "birthtimeNs">): FolderId {
  return { path, inode: stat.ino.toString(), device: stat.dev.toString(), born: birthNs(stat) };
}

/** Surely the same. Without a time of birth its place is left to tell by. */
export function isSameFolder(a: FolderId, b: FolderId): boolean {
  if (a.inode !== b.inode || a.born !== b.born) return false;
  return a.born !== undefined || (a.path === b.path && a.device === b.device);
}

/** Of all that is known, what is about this folder; undefined: nobody knows how far its files are acknowledged. */
export async function markFor(folder: FolderId, known: readonly FolderMark[]): Promise<FolderMark | undefined> {
  const newestFirst = known.toReversed();
  const same = newestFirst.find((mark) => mark.folder === undefined || isSameFolder(mark.folder, folder));
  if (same !== undefined) return same;
  // Inodes (on FAT) and devices may be numbered anew when a disk is mounted: then the files themselves tell.
  for (const mark of newestFirst) {
    if (mark.folder?.path === folder.path && (await holds(folder.path, mark))) return mark;
  }
  return undefined;
}

/** Whether files that the mark names are there, and each of them at least as long as it says. Published ones are not there. */
async function holds(path: string, { files }: FolderMark): Promise<boolean> {
  let found = 0;
  for (const [key, { bytes }] of files) {
    const size = await sizeOf(join(path, key));
    if (size === undefined) continue;
    if (size < bytes) return false;
    found++;
  }
  return found > 0;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size;
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}
