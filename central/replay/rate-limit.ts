import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";

/** At most so many records a second, measured over a second: what was not used is not saved up. */
export class RecordRate {
  private allowance: number;
  private seenMs: number;

  constructor(
    private readonly perSecondMax: number,
    private readonly clock: Clock,
  ) {
    this.allowance = perSecondMax / 10;
    this.seenMs = clock.uptimeMs();
  }

  /** Of those that were taken, so many did not go. */
  giveBack(count: number): void {
    this.allowance += count;
  }

  /** How many may go now, at most `wanted`; waits until it is one at least. 0: told to stop. */
  async take(wanted: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      if (signal.aborted) return 0;
      const nowMs = this.clock.uptimeMs();
      const grown = this.allowance + ((nowMs - this.seenMs) * this.perSecondMax) / 1_000;
      this.allowance = Math.min(this.perSecondMax, grown);
      this.seenMs = nowMs;
      const count = Math.min(wanted, Math.floor(this.allowance));
      if (count > 0) {
        this.allowance -= count;
        return count;
      }
      await sleep(Math.max(1, Math.ceil(((1 - this.allowance) * 1_000) / this.perSecondMax)), signal);
    }
  }
}
