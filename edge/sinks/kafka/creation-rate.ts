/**
 * How many topics a sink creates in a minute, those that failed included. Names of topics may come from what a log
 * contains, and each topic costs the whole cluster.
 */
export class CreationRate {
  private left: number;
  private filledMs: number;

  constructor(
    private readonly perMinute: number,
    nowMs: number,
  ) {
    this.left = perMinute;
    this.filledMs = nowMs;
  }

  /** Takes one and answers 0, or how long to wait for the next. */
  takeOrWaitMs(nowMs: number): number {
    const msForOne = 60_000 / this.perMinute;
    this.left = Math.min(this.perMinute, this.left + (nowMs - this.filledMs) / msForOne);
    this.filledMs = nowMs;
    if (this.left < 1) return Math.ceil((1 - this.left) * msForOne);
    this.left--;
    return 0;
  }
}
