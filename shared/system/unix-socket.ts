/** Sockets in the file system (unix(7)): their file stays when their process dies, and then stands in the way. */
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { folderTrouble } from "../files/folder-trouble.ts";

/** Takes away the file of a socket that nobody listens on any more; everything else stays, and is in the way. */
export function removeStaleSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSocket() === true && !isServed(path)) unlinkSync(path);
}

/** Why nothing can listen at the path, after a stale socket was taken away; undefined: nothing is there. */
export function inTheWay(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isSocket() ? "another process listens there" : "something that is no socket is there";
}

/**
 * Makes the folder of a socket, for its owner alone. One that is there is taken when nobody else can put another socket in the
 * place of ours: it is ours or root's, and others may not write to it.
 *
 * @returns why it cannot be had; undefined: it is there.
 */
export function ownFolder(path: string): string | undefined {
  const trouble = ownFolderTrouble(path);
  if (trouble !== undefined) return trouble;
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return ownFolderTrouble(path);
}

/** Why nobody of us could listen at the path; undefined: nothing is to be seen. Touches nothing. */
export function socketTrouble(path: string): string | undefined {
  const folder = ownFolderTrouble(path);
  if (folder !== undefined || !existsSync(dirname(path))) return folder;
  const isStale = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true && !isServed(path);
  return isStale ? undefined : inTheWay(path);
}

function ownFolderTrouble(path: string): string | undefined {
  const folder = dirname(path);
  const trouble = folderTrouble(folder);
  if (trouble !== undefined) return `the folder ${folder}: ${trouble}`;
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { uid, mode } = found;
  if (uid !== process.getuid?.() && uid !== 0) return `${folder} belongs to another user`;
  return (mode & 0o022) === 0 ? undefined : `others may write to ${folder}`;
}

/** /proc/net/unix has a line for each socket that is open, with its path at the end. */
function isServed(path: string): boolean {
  return readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .some((line) => line.endsWith(` ${path}`));
}
