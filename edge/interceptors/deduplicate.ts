import { z } from "zod";
import type { Clock } from "../../shared/clock/clock.ts";
import { duration } from "../../shared/config/duration.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z
    .strictObject({
      by: z
        .enum(["content", "header"])
        .default("content")
        .meta({ description: "What makes two events the same: key and bytes, or key and one header." }),
      header: z.string().min(1).optional().meta({ description: "The header, for `by: header`." }),
      window: duration({ min: 1 })
        .prefault("1m")
        .meta({ description: "How long after the first event an equal one counts as a repeat." }),
      eventsMax: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .default(10_000)
        .meta({ description: "How many are remembered (some 100 bytes each); the oldest is forgotten first." }),
    })
    .refine(({ by, header }) => (by === "header") === (header !== undefined), {
      error: "`by: header` names a header, and nothing else does",
    });
type Config = z.output<ReturnType<typeof configSchema>>;

export default defineInterceptor({
  type: "deduplicate",
  summary:
    "Drops events that a program wrote again within `window`, counted as filtered. What is remembered is lost with the process. Tailgate's exactly once does not depend on it.",
  stability: "experimental",
  config: configSchema,
  example: { window: "10s" },
  create: (config, { clock }) => new Deduplicate(config, clock),
});

class Deduplicate implements Interceptor {
  /** When each was first seen, oldest first. */
  private readonly seen = new Map<string, number>();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  intercept(view: EventView): boolean {
    const { window, eventsMax } = this.config;
    const mark = this.markOf(view);
    if (mark === undefined) return true;
    const nowMs = this.clock.uptimeMs();
    const firstMs = this.seen.get(mark);
    if (firstMs !== undefined && nowMs - firstMs < window) return false;
    this.seen.delete(mark);
    this.seen.set(mark, nowMs);
    this.forget(nowMs - window, eventsMax);
    return true;
  }

  private markOf(view: EventView): string | undefined {
    const { header } = this.config;
    if (header !== undefined) {
      const value = view.header(header);
      return value === undefined ? undefined : JSON.stringify([view.key, value]);
    }
    const hasher = new Bun.CryptoHasher("sha1").update(`${view.key?.length ?? -1}:${view.key ?? ""}`);
    return hasher.update(view.buffer.subarray(view.start, view.end)).digest("base64");
  }

  private forget(beforeMs: number, countMax: number): void {
    for (const [mark, firstMs] of this.seen) {
      if (firstMs > beforeMs && this.seen.size <= countMax) return;
      this.seen.delete(mark);
    }
  }
}
