import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";

/**
 * A promise in time ("within a second") as a limit for this machine now. On a quiet machine it is the promise itself. Where
 * more wants to run than there are cores, everybody waits for his turn, and the limit grows by as much: a test then fails
 * because the product waits, and not because its neighbours run.
 */
export function soonMs(promisedMs: number): number {
  return Math.round(promisedMs * slownessOf(Math.max(loadavg()[0] ?? 0, runnable()), availableParallelism()));
}

/** How much longer things take than alone. */
export function slownessOf(wanting: number, cores: number): number {
  return Math.max(1, wanting / cores);
}

/** Threads that run or could run at this moment (proc_loadavg(5)); the average of a minute does not know it yet. */
function runnable(): number {
  return Number(/ (\d+)\//.exec(readFileSync("/proc/loadavg", "utf8"))?.[1] ?? 0);
}
