import { readFileSync, statSync } from "node:fs";
import type { Random } from "../../../shared/random/random.ts";

/** Where a file says it has been; what it finds now must be the same, or it is a copy. */
export interface Provenance {
  readonly agent: string;
  readonly machine: string;
  readonly inode: string;
  readonly starts: number;
}

/** Why a file must not go on under its epoch; undefined when it is where it always was. */
export function foundElsewhere(recorded: Provenance, now: Provenance): string | undefined {
  if (recorded.agent !== now.agent) return `the agent was called "${recorded.agent}"`;
  if (recorded.machine !== now.machine) return "the file comes from another machine";
  if (recorded.inode !== now.inode) return "the file is a copy";
  // The lock remembers more starts than the file: an older state of the file was put back in its place.
  if (recorded.starts < now.starts) return "an older state of the file was restored";
  return undefined;
}

/** The machine's own id (machine-id(5)); empty where there is none, which is the same on each start. */
export function readMachineId(): string {
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  return "";
}

/** Number of the file's inode, as text: it does not fit a JavaScript number on every file system. */
export function inodeOf(path: string): string {
  return statSync(path, { bigint: true }).ino.toString();
}

const letters = "abcdefghijklmnopqrstuvwxyz234567";

/** A new epoch: eight letters, 40 bits. */
export function newEpoch(random: Random): string {
  let epoch = "";
  for (let count = 0; count < 8; count++) epoch += letters[Math.floor(random.next() * letters.length)];
  return epoch;
}
