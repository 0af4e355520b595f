/** What stands in the data directory. Apart from the rest, which loads SQLite: `check` asks here. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { kindOf } from "../../../shared/files/open-regular.ts";

/** Names of the agent's own files. */
export const fileNames = { channel: "channel.db", lock: "channel.lock", reserve: "channel.reserve" } as const;

/** What has the name of a file of ours and is none: opening a FIFO may wait for ever. @throws the system's error. */
export function otherThanFiles(dataDir: string): readonly { readonly path: string; readonly kind: string }[] {
  return Object.values(fileNames).flatMap((name) => {
    const path = join(dataDir, name);
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined || found.isFile() ? [] : [{ path, kind: kindOf(found) }];
  });
}
