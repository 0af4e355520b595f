/**
 * Takes changes of alerts out of the store and sends them, at least once: what was sent is marked after that. What could not be
 * sent is tried again, later each time. Several centrals on one store share the work: what one has taken no other takes
 * until its lease is over.
 */
import { sleep } from "../../shared/async/sleep.ts";
import { hasCode } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { AlertDelivery, RulesWork } from "../store/rules-port.ts";
import { alertsRefused, alertsUndelivered } from "../telemetry.ts";
import type { AlertSink, SendResult } from "./sink.ts";

/** What a courier works with. */
export interface AlertCourierOptions {
  readonly rules: RulesWork;
  readonly sink: AlertSink;
  readonly report: Report;
  readonly fatal: (thrown: unknown) => void;
  /** Between two looks at the store while there is nothing; the default is right but for tests. */
  readonly idleMs?: number;
}

const batch = 20;
/** A sink's own deadlines for a batch are well below it. */
const leaseMs = 300_000;
const waitMsMin = 1_000;
const waitMsMax = 300_000;

export class AlertCourier {
  readonly counters = { delivered: 0, failures: 0 };
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(private readonly options: AlertCourierOptions) {
    this.running = this.run();
  }

  /** Ends the batch in hand. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.options.sink.stop();
  }

  private async run(): Promise<void> {
    const { idleMs = 500, fatal } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        if (!(await this.deliver(signal))) await sleep(idleMs, signal);
      } catch (thrown) {
        // Away: what was taken is taken again when its lease is over.
        if (!hasCode(thrown, "CENTRAL_STORE_UNAVAILABLE")) return fatal(thrown);
        await sleep(waitMsMin, signal);
      }
    }
  }

  /** False: there was nothing to do. */
  private async deliver(signal: AbortSignal): Promise<boolean> {
    const { rules, sink } = this.options;
    const taken = await rules.take(sink.target, batch, leaseMs);
    if (taken.length === 0) return false;
    const result = await sink.send(taken, signal);
    this.counters.delivered += result.delivered.length;
    if (result.delivered.length > 0) await rules.delivered(result.delivered);
    await this.postpone(taken, result);
    return true;
  }

  private async postpone(taken: readonly AlertDelivery[], result: SendResult): Promise<void> {
    const { rules, sink, report } = this.options;
    const done = new Set([...result.delivered, ...result.refused]);
    const left = taken.filter(({ id }) => !done.has(id));
    for (const { id, attempts, key } of taken.filter(({ id }) => result.refused.includes(id))) {
      this.counters.failures++;
      report(alertsRefused, { target: sink.target, alert: key, error: result.error, attempts });
      await rules.postpone([id], waitMs(attempts));
    }
    const [first] = left;
    if (first === undefined) return;
    this.counters.failures++;
    const afterMs = Math.min(waitMsMax, Math.max(result.retryAfterMs ?? 0, waitMs(first.attempts)));
    report(alertsUndelivered, {
      target: sink.target,
      error: result.error,
      again: `in ${Math.round(afterMs / 1_000)} s`,
    });
    // All to the same moment: they go out in their order.
    await rules.postpone(
      left.map(({ id }) => id),
      afterMs,
    );
  }
}

function waitMs(attempts: number): number {
  return Math.min(waitMsMax, waitMsMin * 2 ** Math.min(attempts - 1, 20));
}
