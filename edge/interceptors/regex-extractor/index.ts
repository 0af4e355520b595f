import { z } from "zod";
import { pattern } from "../../../shared/config/pattern/pattern.ts";
import type { FieldReader } from "../../../shared/json/json-field.ts";
import type { Counter } from "../../../shared/telemetry/metrics.ts";
import type { Context } from "../../core/context.ts";
import { defineInterceptor } from "../../core/define.ts";
import type { EventView } from "../../core/event-view.ts";
import type { Interceptor } from "../../core/interceptor.ts";
import { type TimeReader, timeReader } from "./event-time.ts";
import { Field, readerOf } from "./field.ts";

const Time = () =>
  z.strictObject({
    from: Field.meta({ description: "Where the time stands." }),
    format: z
      .enum(["auto", "iso8601", "epoch_ms", "epoch_s"])
      .default("auto")
      .meta({ description: "How it is written; `auto` tells by its looks. Without a zone it is UTC." }),
  });

const configSchema = () =>
  z
    .strictObject({
      key: Field.optional().meta({
        description: "The event's key (which vehicle): group 1 of a pattern, or a JSON field.",
      }),
      time: z
        .union([Field, Time()], { error: "write a regular expression, { json: path } or { from, format }" })
        .optional()
        .meta({ description: "The event's time, in the same way; `{ from, format }` to say how it is written." }),
      pattern: pattern()
        .optional()
        .meta({ description: "Each named group becomes a header of that name; `key` and `time` become key and time." }),
      groups: z.array(z.string().min(1)).min(1).optional().meta({
        description:
          "Names for group 1, 2, … of `pattern`, where they have none in it or names that no group may have.",
      }),
      headers: z
        .record(z.string().min(1), Field)
        .optional()
        .meta({ description: "More headers, each from a field of its own." }),
    })
    .refine((config) => Object.values(config).some((value) => value !== undefined), {
      error: "says nothing to extract: give it key, time, pattern or headers",
    })
    .superRefine(({ pattern, groups }, context) => {
      const issue = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
      if (groups === undefined) {
        if (pattern?.groupNames.length === 0) issue("pattern", "it has no named group, as in (?<area>\\w+)");
      } else if (pattern === undefined) issue("groups", "there is no pattern whose groups these are");
      else if (groups.length > pattern.groupCount) {
        issue("groups", `names ${groups.length} groups, and the pattern has ${pattern.groupCount}`);
      }
    });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.interceptor.RegexExtractorInterceptor, and the same for JSON lines. */
export default defineInterceptor({
  type: "regex_extractor",
  summary: "Takes key, event time and headers out of the event's text, by regular expression or JSON field.",
  stability: "stable",
  config: configSchema,
  example: { key: { json: "car" }, time: { from: { json: "time" }, format: "iso8601" } },
  flume: async () => (await import("./flume.ts")).mappings,
  create: (config, context) => new RegexExtractor(config, context),
});

class RegexExtractor implements Interceptor {
  private readonly key: FieldReader | undefined;
  private readonly time: { readonly read: FieldReader; readonly parse: TimeReader } | undefined;
  private readonly headers: readonly (readonly [string, FieldReader])[];
  private readonly groups: readonly (readonly [string, number])[];
  private readonly groupTime = timeReader("auto");
  private readonly missingKey: Counter;
  private readonly missingTime: Counter;

  constructor(
    private readonly config: Config,
    { name, metrics }: Context,
  ) {
    const { key, time, headers = {} } = config;
    this.key = key === undefined ? undefined : readerOf(key);
    if (time !== undefined) {
      const written = "from" in time ? time : { from: time, format: "auto" as const };
      this.time = { read: readerOf(written.from), parse: timeReader(written.format) };
    }
    this.headers = Object.entries(headers).map(([header, field]) => [header, readerOf(field)] as const);
    const named = (config.pattern?.groupNames ?? []).map(
      (group) => [group, config.pattern?.groupIndex(group) ?? 0] as const,
    );
    this.groups = config.groups?.map((group, index) => [group, index + 1] as const) ?? named;
    const help = "Events in which an extractor did not find what it looks for; they are kept as they are.";
    const missing = (what: string) =>
      metrics.counter("tailgate_extractor_missing_total", help, { component: name, what });
    this.missingKey = missing("key");
    this.missingTime = missing("time");
  }

  intercept(view: EventView): boolean {
    const text = view.text();
    if (this.key !== undefined) this.setKey(view, this.key(text));
    if (this.time !== undefined) this.setTime(view, this.time.read(text), this.time.parse);
    if (this.groups.length > 0) this.setGroups(view, text);
    for (const [name, read] of this.headers) {
      const value = read(text);
      if (value !== undefined) view.setHeader(name, value);
    }
    return true;
  }

  private setGroups(view: EventView, text: string): void {
    const match = this.config.pattern?.match(text);
    for (const [name, index] of this.groups) {
      const value = match?.[index];
      if (name === "key") this.setKey(view, value);
      else if (name === "time") this.setTime(view, value, this.groupTime);
      else if (value !== undefined) view.setHeader(name, value);
    }
  }

  private setKey(view: EventView, key: string | undefined): void {
    if (key === undefined || key === "") this.missingKey.add(1);
    else view.key = key;
  }

  private setTime(view: EventView, text: string | undefined, parse: TimeReader): void {
    const timeMs = text === undefined ? undefined : parse(text);
    if (timeMs === undefined) this.missingTime.add(1);
    else view.eventTimeMs = timeMs;
  }
}
