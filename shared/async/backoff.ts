import type { Random } from "../random/random.ts";

/** How long to wait between tries that never end. */
export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly multiplier?: number;
}

/** Waiting times that grow and carry jitter (half to whole), so that a fleet does not come back in one wave. */
export class Backoff {
  private attempt = 0;

  constructor(
    private readonly options: BackoffOptions,
    private readonly random: Random,
  ) {}

  /** The next wait in milliseconds. */
  nextMs(): number {
    const { initialMs, maxMs, multiplier = 2 } = this.options;
    const full = Math.min(maxMs, initialMs * multiplier ** this.attempt);
    if (full < maxMs) this.attempt++;
    return full * (0.5 + this.random.next() / 2);
  }

  /** It worked: the next failure starts with the shortest wait. */
  reset(): void {
    this.attempt = 0;
  }
}
