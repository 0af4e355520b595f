import { invariant } from "../../shared/errors/invariant.ts";
import type { AppendResult } from "../store/store.ts";

const booked = ["conflicts", "deadLettered", "fenced", "storeFailures"] as const;

/** What this process has stored since it started, for metrics. The store's own sums are the books. */
export class IngestCounters {
  stored = 0;
  withoutIdentity = 0;
  repeated = 0;
  conflicts = 0;
  shed = 0;
  deadLettered = 0;
  /** Records that came by relay, whatever became of them. */
  relayed = 0;
  transactions = 0;
  fenced = 0;
  storeFailures = 0;
  /** Nobody knows before it has been asked. */
  storeAvailable = false;
  /** Why it is not; empty while it is. */
  storeAwayBecause = "";
  /** Uptime of the last transaction, milliseconds; -1 before the first. */
  lastStoredUptimeMs = -1;

  /** What is counted with a signal of the log (`counts: { book }` in telemetry.ts). */
  book(name: string, amount: number): void {
    const counter = booked.find((each) => each === name);
    invariant(counter !== undefined, `ingest counts ${name}`);
    this[counter] += amount;
  }

  count(result: Omit<AppendResult, "position">, uptimeMs: number): void {
    this.stored += result.stored;
    this.withoutIdentity += result.withoutIdentity;
    this.repeated += result.repeated;
    this.shed += result.shed;
    this.transactions++;
    this.lastStoredUptimeMs = uptimeMs;
  }
}
