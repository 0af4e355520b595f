/** What `check` says of a spool directory as it is now. */
import { accessSync, constants, statSync } from "node:fs";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { isBelow } from "../../../shared/files/links.ts";
import { shownPath, systemPath } from "../../../shared/files/path-text.ts";
import { realOf } from "../../../shared/files/real-path.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import { fileAccess } from "../../core/file-fields.ts";
import type { Remark, Surroundings } from "../../core/inspect.ts";
import { Candidates } from "./candidates.ts";
import type { Config } from "./config.ts";

/** So many are said of what lies in it. */
const remarksMax = 20;

export function inspectSpool(config: Config, surroundings: Surroundings): readonly Remark[] {
  const { path, done } = config;
  const { dataDir } = surroundings;
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
    return leftOutIn(config, surroundings).flatMap((words) => remark("warning", words));
  } catch (thrown) {
    if (!isFileTrouble(thrown)) throw thrown;
    const what = done === "tracker" ? "read" : `read and written to, which done: ${done} needs,`;
    return remark("warning", `cannot be ${what} by user ${process.geteuid?.() ?? "unknown"}: ${thrown.message}`);
  }
}

/** What a look leaves out. */
function leftOutIn(config: Config, { dataDir, ownFiles }: Surroundings): readonly string[] {
  const found: string[] = [];
  const access = fileAccess(config, { dataDir, ownFiles: () => ownFiles });
  const leaveOut = (key: string, thrown: Error) => found.push(`${shownPath(key)} is not read: ${messageOf(thrown)}`);
  new Candidates(config, access, leaveOut, () => false).list();
  const more = found.length - remarksMax;
  return more > 0 ? [...found.slice(0, remarksMax), `and ${more} more of this kind`] : found;
}

const readWriteEnter = constants.R_OK | constants.W_OK | constants.X_OK;
