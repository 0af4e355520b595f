/**
 * How many requests a key may make: a bucket each, filled steadily, of two seconds' worth. Only keys that are known have
 * one, so their number is that of the config.
 */
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";

/** A burst may be this many seconds' worth. */
const burstSeconds = 2;

export class RateLimit {
  private readonly buckets = new Map<string, { left: number; atMs: number }>();

  constructor(
    private readonly perSecond: number,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError `CENTRAL_RATE_LIMITED`, with the time until the next one is answered. */
  spend(keyName: string, path: string): void {
    const nowMs = this.clock.uptimeMs();
    const full = this.perSecond * burstSeconds;
    const bucket = this.buckets.get(keyName) ?? { left: full, atMs: nowMs };
    bucket.left = Math.min(full, bucket.left + ((nowMs - bucket.atMs) * this.perSecond) / 1_000);
    bucket.atMs = nowMs;
    this.buckets.set(keyName, bucket);
    if (bucket.left >= 1) {
      bucket.left--;
      return;
    }
    const retryAfterMs = Math.ceil(((1 - bucket.left) * 1_000) / this.perSecond);
    const message = `${path}: the key "${keyName}" may ask ${this.perSecond} times a second`;
    throw new AppError(codes.CENTRAL_RATE_LIMITED, message, { retryAfterMs });
  }
}
