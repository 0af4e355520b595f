/** What `check` says of a spool directory as it is now. */
import { accessSync, constants, statSync } from "node:fs";
import { isBelow } from "../../../shared/files/links.ts";
import { systemPath } from "../../../shared/files/path-text.ts";
import { realOf } from "../../../shared/files/real-path.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import type { Remark, Surroundings } from "../../core/inspect.ts";
import type { Config } from "./config.ts";

export function inspectSpool({ path, done }: Config, { dataDir }: Surroundings): readonly Remark[] {
  const remark = (level: Remark["level"], message: string) => [
    { level, field: "path", message: `"${path}": ${message}` },
  ];
  const [real, own] = [realOf(path), realOf(dataDir)];
  if (real === own || isBelow(real, own))
    return remark("warning", "lies in the agent's own data folder, which is never read");
  try {
    const stat = statSync(systemPath(path), { throwIfNoEntry: false });
    if (stat === undefined) return remark("note", "is not there yet; it is looked for again and again");
    if (!stat.isDirectory()) return remark("warning", "is no folder");
    accessSync(systemPath(path), done === "tracker" ? constants.R_OK | constants.X_OK : readWriteEnter);
    return [];
  } catch (thrown) {
    if (!isFileTrouble(thrown)) throw thrown;
    const what = done === "tracker" ? "read" : `read and written to, which done: ${done} needs,`;
    return remark("warning", `cannot be ${what} by user ${process.geteuid?.() ?? "unknown"}: ${thrown.message}`);
  }
}

const readWriteEnter = constants.R_OK | constants.W_OK | constants.X_OK;
