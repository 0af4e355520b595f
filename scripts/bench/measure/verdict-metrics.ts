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
