import type { AppendResult } from "../store/store.ts";

/** What this process has stored since it started, for metrics. The store's own sums are the books. */
export class IngestCounters {
  stored = 0;
  withoutIdentity = 0;
  repeated = 0;
  conflicts = 0;
  shed = 0;
  deadLettered = 0;
  transactions = 0;
  fenced = 0;
  storeFailures = 0;
  storeAvailable = true;
  /** Uptime of the last transaction, milliseconds; -1 before the first. */
  lastStoredUptimeMs = -1;

  count(result: AppendResult, uptimeMs: number): void {
    this.stored += result.stored;
    this.withoutIdentity += result.withoutIdentity;
    this.repeated += result.repeated;
    this.conflicts += result.conflicts;
    this.shed += result.shed;
    this.deadLettered += result.deadLettered;
    this.transactions++;
    this.lastStoredUptimeMs = uptimeMs;
  }
}
