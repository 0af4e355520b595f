import { statfsSync } from "node:fs";

/** What the disk under a folder has left for us, in bytes. @throws the system's error when the folder cannot be asked. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/**
 * What this process could still write there: root may use what a file system keeps for it. A file system that counts no
 * blocks has no end that it knows of. @throws the system's error when the folder cannot be asked.
 */
export function writableBytes(folder: string): number {
  const { blocks, bavail, bfree, bsize } = statfsSync(folder);
  if (blocks === 0) return Number.POSITIVE_INFINITY;
  return (process.geteuid?.() === 0 ? bfree : bavail) * bsize;
}
