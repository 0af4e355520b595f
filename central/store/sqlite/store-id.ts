import { createHash } from "node:crypto";
import type { Clock } from "../../../shared/clock/clock.ts";
import { fileIdentity } from "./open.ts";

/**
 * Names the file of a store among all processes of the machine, containers included: the same text for the same file,
 * whatever path leads to it; undefined while there is none. Only processes of one machine can share a store, and only within one boot.
 */
export function storeId(path: string, clock: Clock): string | undefined {
  const file = fileIdentity(path);
  if (file === undefined) return undefined;
  return createHash("sha256").update(`${clock.bootId()} ${file}`).digest("hex").slice(0, 16);
}
