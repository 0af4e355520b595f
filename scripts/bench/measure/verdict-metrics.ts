import { quantile } from "../meters/statistics.ts";
import type { Metrics } from "../report/columns.ts";
import type { TallyResult } from "../workload/tally.ts";

/** What the independent reader found, as numbers of the page. */
export function verdictMetrics(verdict: TallyResult): Metrics {
  return {
    lost: verdict.lost,
    repeated: verdict.repeated,
    altered: verdict.altered,
    disordered: verdict.disordered,
  };
}

/**
 * The share of the lines whose arrival is timed. The end of a file may wait for company (a linger, a poll): that is
 * latency, which other cases measure, and would make a rate depend on how long the file was.
 */
const timedShare = 0.95;

/** Lines a second from `fromMs` until 95 % of them were appended; nothing when nothing came. */
export function rateMetrics(verdict: TallyResult, fromMs: number): Metrics {
  const seconds = secondsUntilTimed(verdict, fromMs);
  return seconds === undefined ? {} : { linesPerSecond: (verdict.delivered * timedShare) / seconds };
}

/** How fast a backlog came, from the broker's first append until 95 % of it were appended; nothing when nothing came. */
export function drainMetrics(verdict: TallyResult, storedBytes: number): Metrics {
  const seconds = secondsUntilTimed(verdict, verdict.appendedMs[0] ?? 0);
  if (seconds === undefined) return {};
  return {
    drainLinesPerSecond: (verdict.delivered * timedShare) / seconds,
    drainMbPerSecond: (storedBytes * timedShare) / 1_000_000 / seconds,
  };
}

function secondsUntilTimed({ appendedMs }: TallyResult, fromMs: number): number | undefined {
  if (appendedMs.length === 0) return undefined;
  const seconds = (quantile(appendedMs, timedShare) - fromMs) / 1000;
  return seconds > 0 ? seconds : undefined;
}
