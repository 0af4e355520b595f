import { z } from "zod";
import { type Pattern, pattern } from "../../shared/config/pattern/pattern.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z
    .strictObject({
      include: pattern()
        .optional()
        .meta({ description: "Keep only events in which this occurs. `(?i)` in front: any case." }),
      exclude: pattern().optional().meta({ description: "Drop events in which this occurs." }),
    })
    .refine(({ include, exclude }) => include !== undefined || exclude !== undefined, {
      error: "says neither what to include nor what to exclude",
    });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.interceptor.RegexFilteringInterceptor; both directions in one. */
export default defineInterceptor({
  type: "regex_filter",
  summary: "Keeps or drops events by whether a regular expression occurs in their text. Dropped events are counted.",
  stability: "stable",
  config: configSchema,
  example: { include: '"speed":', exclude: "(?i)heartbeat" },
  flume: () => [
    {
      names: ["regex_filter", "org.apache.flume.interceptor.RegexFilteringInterceptor"],
      keys: { regex: { by: "`include` or `exclude`" }, excludeEvents: { by: "`include` or `exclude`" } },
      finish: (draft) => {
        const excludes = draft.value("excludeEvents")?.text.toLowerCase() === "true";
        draft.set(excludes ? "exclude" : "include", draft.value("regex")?.written ?? ".*", "regex");
      },
    },
  ],
  create: (config) => new RegexFilter(config),
});

class RegexFilter implements Interceptor {
  private readonly include: Pattern | undefined;
  private readonly exclude: Pattern | undefined;

  constructor({ include, exclude }: Config) {
    this.include = include;
    this.exclude = exclude;
  }

  intercept(view: EventView): boolean {
    const text = view.text();
    if (this.include !== undefined && !this.include.test(text)) return false;
    return this.exclude === undefined || !this.exclude.test(text);
  }
}
