/** What stands in the data directory. Apart from the rest, which loads SQLite: `check` asks here. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { kindOf } from "../../../shared/files/open-regular.ts";

/** Names of the agent's own files. */
export const fileNames = { channel: "channel.db", lock: "channel.lock", reserve: "channel.reserve" } as const;

/** The first that has the name of a file of ours and is none: opening a FIFO may wait for ever. @throws the system's error. */
export function otherThanFile(dataDir: string): { readonly path: string; readonly kind: string } | undefined {
  for (const name of Object.values(fileNames)) {
    const path = join(dataDir, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) return { path, kind: kindOf(found) };
  }
  return undefined;
}
