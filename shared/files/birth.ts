import type { BigIntStats } from "node:fs";

/**
 * When a file or a folder was made, in nanoseconds since 1970; undefined where its file system keeps no such time. An inode is
 * given to the next file as soon as it is free, but no two files with one inode are born at the same time.
 */
export function birthNs({ birthtimeNs }: Pick<BigIntStats, "birthtimeNs">): string | undefined {
  return birthtimeNs === 0n ? undefined : birthtimeNs.toString();
}
