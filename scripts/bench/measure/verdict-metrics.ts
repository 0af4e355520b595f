import type { Metrics } from "../report/columns.ts";
import type { Verdict } from "../workload/tally.ts";

/** What the independent reader found, as numbers of the page. */
export function verdictMetrics(verdict: Verdict): Metrics {
  return {
    lost: verdict.lost,
    repeated: verdict.repeated,
    altered: verdict.altered,
    disordered: verdict.disordered,
  };
}

/** How fast a backlog came: from the broker's first append to its last; nothing when nothing came. */
export function drainMetrics(verdict: Verdict, storedBytes: number): Metrics {
  const seconds = (verdict.lastAppendMs - verdict.firstAppendMs) / 1000;
  if (seconds <= 0) return {};
  return { drainLinesPerSecond: verdict.delivered / seconds, drainMbPerSecond: storedBytes / 1_000_000 / seconds };
}
