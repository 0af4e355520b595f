import { z } from "zod";
import type { Clock } from "../../shared/clock/clock.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z
    .strictObject({
      eventsPerSecond: z.number().positive().meta({ description: "How many are kept in the long run." }),
      burst: z
        .number()
        .int()
        .min(1)
        .optional()
        .meta({ description: "How many are kept at once after a quiet time; without it, those of one second." }),
      by: z.enum(["all", "key"]).default("all").meta({ description: "One limit for all, or one for each key." }),
    })
    .transform((config) => ({ ...config, burst: config.burst ?? Math.max(1, Math.ceil(config.eventsPerSecond)) }));
type Config = z.output<ReturnType<typeof configSchema>>;

export default defineInterceptor({
  type: "throttle",
  summary:
    "Drops events beyond a rate, counted as filtered. For a limit that loses nothing, limit the sink in bytes a second instead.",
  stability: "experimental",
  config: configSchema,
  example: { eventsPerSecond: 50, by: "key" },
  create: (config, { clock }) => new Throttle(config, clock),
});

/** Keys with a limit of their own; past this many all are forgotten at once, and each begins with a full bucket. */
const keysMax = 10_000;

/** A token bucket: it fills with time and each event that is kept takes one. */
interface Bucket {
  tokens: number;
  atMs: number;
}

class Throttle implements Interceptor {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  intercept(view: EventView): boolean {
    const { eventsPerSecond, burst, by } = this.config;
    const bucket = this.bucketOf(by === "key" ? (view.key ?? "") : "");
    const nowMs = this.clock.uptimeMs();
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * eventsPerSecond) / 1_000);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  private bucketOf(key: string): Bucket {
    let bucket = this.buckets.get(key);
    if (bucket === undefined) {
      if (this.buckets.size >= keysMax) this.buckets.clear();
      bucket = { tokens: this.config.burst, atMs: this.clock.uptimeMs() };
      this.buckets.set(key, bucket);
    }
    return bucket;
  }
}
