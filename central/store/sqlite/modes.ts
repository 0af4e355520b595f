/** Who may read the store: it holds the lines of a fleet. */
import { chmodSync, statSync } from "node:fs";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { modeNotTightened, modeTightened } from "./telemetry.ts";

const everybody = 0o007;

/**
 * Takes the store's files from everybody else on the machine, and says so: an older central made them readable for all. What the
 * owner has given to a group, for backups say, stays.
 */
export function tightenModes(path: string, report: Report): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile() || (found.mode & everybody) === 0) continue;
    const mode = found.mode & 0o777 & ~everybody;
    try {
      chmodSync(file, mode);
      report(modeTightened, { path: file, mode: mode.toString(8) });
    } catch (thrown) {
      report(modeNotTightened, { path: file, error: messageOf(thrown) });
    }
  }
}
