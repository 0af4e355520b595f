/**
 * A limit in bytes a second with a burst of one second. What does not fit into the burst is let through as a whole and
 * paid for afterwards, so that a batch larger than a second's worth is slow and not stuck.
 */
export class TokenBucket {
  private tokens: number;
  private filledMs: number;

  constructor(
    private readonly bytesPerSecond: number,
    nowMs: number,
  ) {
    this.tokens = bytesPerSecond;
    this.filledMs = nowMs;
  }

  /** How long to wait before the next send; 0 when there is something to spend. */
  waitMs(nowMs: number): number {
    this.fill(nowMs);
    return this.tokens > 0 ? 0 : Math.ceil((-this.tokens / this.bytesPerSecond) * 1000) + 1;
  }

  spend(bytes: number, nowMs: number): void {
    this.fill(nowMs);
    this.tokens -= bytes;
  }

  private fill(nowMs: number): void {
    const earned = ((nowMs - this.filledMs) / 1000) * this.bytesPerSecond;
    this.tokens = Math.min(this.bytesPerSecond, this.tokens + Math.max(0, earned));
    this.filledMs = nowMs;
  }
}
