import { type BigIntStats, lstatSync, statSync } from "node:fs";
import { systemPath } from "../../../shared/files/path-text.ts";
import { systemCode } from "../../../shared/files/refusal.ts";

/** Whether there is anything under this name, a link that leads nowhere too. Under one that is too long there is nothing. */
export function isTaken(path: string): boolean {
  try {
    return lstatSync(systemPath(path), { throwIfNoEntry: false }) !== undefined;
  } catch (thrown) {
    if (systemCode(thrown) === "ENAMETOOLONG") return false;
    throw thrown;
  }
}

/** What a name leads to; undefined: to nothing. */
export function statOf(path: string): BigIntStats | undefined {
  return statSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
}
