import { accessSync, constants, lstatSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../errors/app-error.ts";
import { kindOf } from "./open-regular.ts";
import { isFileTrouble } from "./refusal.ts";

/**
 * Why this process cannot have a folder there: one that it may write to, or may make. Undefined: it can, as far as is to be
 * seen. Touches nothing.
 */
export function folderTrouble(folder: string): string | undefined {
  const at = nearestThere(folder);
  try {
    const found = statSync(at);
    if (!found.isDirectory()) return `${at} is ${kindOf(found)}, no folder`;
  } catch (thrown) {
    return `${at}: ${messageOf(thrown)}`;
  }
  const refusal = accessRefusal(at, constants.W_OK | constants.X_OK);
  if (refusal === undefined) return undefined;
  return at === folder ? `it cannot be written (${refusal})` : `it cannot be made in ${at} (${refusal})`;
}

/** The path itself, or the nearest above it that is there. */
export function nearestThere(path: string): string {
  let at = path;
  while (!isThere(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** Why a file that is there cannot be read and written; undefined: it can, or nothing is there. */
export function fileTrouble(path: string): string | undefined {
  if (!isThere(path)) return undefined;
  const refusal = accessRefusal(path, constants.R_OK | constants.W_OK);
  return refusal === undefined ? undefined : `${path} cannot be read and written (${refusal})`;
}

function accessRefusal(path: string, mode: number): string | undefined {
  try {
    accessSync(path, mode);
    return undefined;
  } catch (thrown) {
    if (!isFileTrouble(thrown)) throw thrown;
    return messageOf(thrown).replace(/, access .*$/s, "");
  }
}

/** Links count as what they are: one that leads nowhere is in the way of a folder. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (thrown) {
    if (isFileTrouble(thrown)) return false; // Below a file, or longer than the system takes.
    throw thrown;
  }
}
