/**
 * Files that are there whole or not at all, whatever is killed or loses power: written under another name, synced, then given their
 * name. A name is on the disk when its folder is synced too: once for all files of a folder.
 */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Files under way end so; whoever finds one at its start may remove it. */
export const partialEnd = ".partial";

/**
 * Writes a file that nobody else writes. Its folder is made when it is not there, and is still to be synced.
 *
 * @throws the system's error.
 */
export function writeWhole(path: string, bytes: Uint8Array): void {
  renameSync(writePartial(path, bytes), path);
}

/** Files that were written are found under their names, even after a power cut. @throws the system's error. */
export function syncFoldersOf(paths: readonly string[]): void {
  for (const folder of new Set(paths.map((path) => dirname(path)))) syncFolder(folder);
}

/** Writes it, synced, folder and all; false: it was there, and stays as it is. @throws the system's error. */
export function writeFirst(path: string, bytes: Uint8Array): boolean {
  const partial = writePartial(path, bytes);
  try {
    linkSync(partial, path);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST") return false;
    throw thrown;
  } finally {
    rmSync(partial, { force: true });
  }
  syncFolder(dirname(path));
  return true;
}

function writePartial(path: string, bytes: Uint8Array): string {
  const folder = dirname(path);
  const made = mkdirSync(folder, { recursive: true });
  // Each folder that is new is a name in the one above it.
  if (made !== undefined) for (let at = folder; at.length >= made.length; at = dirname(at)) syncFolder(dirname(at));
  const partial = `${path}.${crypto.randomUUID()}${partialEnd}`;
  const file = openSync(partial, "wx", 0o640);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } catch (thrown) {
    rmSync(partial, { force: true });
    throw thrown;
  } finally {
    closeSync(file);
  }
  return partial;
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
