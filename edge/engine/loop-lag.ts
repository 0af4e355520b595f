/** How often the lag is sampled. Each sample is a wake-up: ten a second were half of what an idle agent costs. */
const sampleMs = 250;
/** A minute. */
const samplesMax = 240;

/**
 * How late the event loop runs timers: the time that something (an fsync, a compression) held the thread. The last minute
 * of samples, so that a peak is seen and then forgotten.
 */
export class LoopLag {
  private readonly samples: number[] = [];
  private next = 0;
  private dueMs = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    this.dueMs = performance.now() + sampleMs;
    this.timer = setTimeout(() => this.sample(), sampleMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** The lag in seconds that this share of samples stays below. */
  quantile(share: number): number {
    if (this.samples.length === 0) return 0;
    const sorted = this.samples.toSorted((a, b) => a - b);
    return (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 1000;
  }

  private sample(): void {
    this.samples[this.next] = Math.max(0, performance.now() - this.dueMs);
    this.next = (this.next + 1) % samplesMax;
    this.start();
  }
}
