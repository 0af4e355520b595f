import { lstatSync } from "node:fs";
import { systemPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";

/** What a directory or a descriptor says about a file. */
export interface FileStat {
  readonly inode: bigint;
  readonly device: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
}

/** Whether the name leads to this file. Undefined: nobody can say, it may not be looked at. */
export function leadsTo(path: string, inode: bigint): boolean | undefined {
  try {
    return lstatSync(systemPath(path), { bigint: true, throwIfNoEntry: false })?.ino === inode;
  } catch (thrown) {
    if (!isFileTrouble(thrown)) throw thrown;
    return systemCode(thrown) === "ENOTDIR" ? false : undefined;
  }
}
