import type { Metrics } from "../../shared/telemetry/metrics.ts";

/** What a source of files leaves out, as a metric: one name for all of them. */
export function observeLeftOut(metrics: Metrics, source: string, count: () => number): void {
  const help = "Files and folders that cannot be looked at or are not taken, by source.";
  metrics.observe("tailgate_source_left_out", help, { source }, count);
}
