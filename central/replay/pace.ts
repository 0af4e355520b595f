import type { Clock } from "../../shared/clock/clock.ts";

/**
 * When a record is due: its distance in time from the first record, divided by the speed, after the first one went. Without a speed
 * everything is due. After a pause or a restart it begins anew with the record that comes next, so that nothing is made up for.
 */
export class Pace {
  private origin: { readonly timeMs: number; readonly uptimeMs: number } | undefined;

  constructor(
    private readonly speed: number | undefined,
    private readonly clock: Clock,
  ) {}

  /** The first record's time; later calls change nothing. */
  begin(timeMs: number): void {
    this.origin ??= { timeMs, uptimeMs: this.clock.uptimeMs() };
  }

  /** Records up to this time are due now. */
  dueMs(): number {
    if (this.speed === undefined) return Number.POSITIVE_INFINITY;
    if (this.origin === undefined) return Number.NEGATIVE_INFINITY;
    return this.origin.timeMs + (this.clock.uptimeMs() - this.origin.uptimeMs) * this.speed;
  }

  /** For how long nothing is due, when the next record has this time. */
  waitMs(timeMs: number): number {
    const due = this.dueMs();
    return this.speed === undefined || timeMs <= due ? 0 : (timeMs - due) / this.speed;
  }
}
