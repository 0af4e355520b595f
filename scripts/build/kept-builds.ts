/**
 * Which compiled binaries stay in the cache. A binary is 110 MB, so what nobody asked for lately goes; by time and not by
 * number, because whoever asked holds a path: one run of the tests builds more binaries than a working day does otherwise,
 * and each must be there until its last test has started it.
 */
import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

/** Longer than any run of the tests or the benchmarks between asking for a binary and its last start. */
export const unusedHoursMax = 3;

/** Notes that somebody holds this build's path from now on. */
export function markUsed(build: string, nowMs = Date.now()): void {
  utimesSync(build, nowMs / 1000, nowMs / 1000);
}

/** Removes from `cache` the builds, and the halves of builds that were broken off, that nobody used for `unusedHoursMax`. */
export function forgetUnusedBuilds(cache: string, nowMs = Date.now()): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const used = statSync(path, { throwIfNoEntry: false });
    if (used !== undefined && nowMs - used.mtimeMs > unusedHoursMax * 3_600_000)
      rmSync(path, { recursive: true, force: true });
  }
}
