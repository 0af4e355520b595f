import { countingReport } from "../../shared/telemetry/counting-report.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";

/** What the log says of the admin HTTP. */
export const signals = {
  dropped: defineSignal({
    name: "admin_connections_dropped",
    level: "warn",
    message:
      "Almost no descriptors are left: all connections of the admin HTTP were closed, so that logs are read and health is answered; raise the limit of open files if nobody holds connections open",
    atMostEveryMs: 60_000,
    counts: {
      metric: "tailgate_admin_connections_dropped_total",
      help: "How often all connections of the admin HTTP were closed, because almost no descriptors were left.",
    },
  }),
};

/** Logs, and counts. */
export function adminReport(report: Report, metrics: Metrics): Report {
  return countingReport(signals, { report, metrics, labels: {} });
}
