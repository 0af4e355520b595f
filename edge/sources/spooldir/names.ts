import { type BigIntStats, lstatSync, statSync } from "node:fs";
import { systemPath } from "../../../shared/files/path-text.ts";

/** Whether there is anything under this name, a link that leads nowhere too. */
export function isTaken(path: string): boolean {
  return lstatSync(systemPath(path), { throwIfNoEntry: false }) !== undefined;
}

/** What a name leads to; undefined: to nothing. */
export function statOf(path: string): BigIntStats | undefined {
  return statSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
}
