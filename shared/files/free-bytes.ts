import { statfsSync } from "node:fs";

/** What the disk under a folder has left for us, in bytes. @throws the system's error when the folder cannot be asked. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
