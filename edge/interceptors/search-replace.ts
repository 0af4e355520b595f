import { isUtf8 } from "node:buffer";
import { z } from "zod";
import { pattern } from "../../shared/config/pattern/pattern.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import { asText } from "../core/flume-mapping.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z
    .strictObject({
      searchPattern: pattern().meta({ description: "What is searched for. `(?i)` in front: any case." }),
      replaceString: z.string().default("").meta({
        description: "What comes in its place: `$1` is the first group, `$0` the match, `\\$` a dollar sign.",
      }),
    })
    .transform(({ searchPattern, replaceString }, context) => {
      const parts = partsOf(replaceString);
      const wrong = parts.find((part) => typeof part === "number" && part > searchPattern.groupCount);
      if (wrong === undefined) return { searchPattern, parts };
      const message = `$${wrong}: the pattern has ${searchPattern.groupCount} groups`;
      context.addIssue({ code: "custom", path: ["replaceString"], message });
      return z.NEVER;
    });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.interceptor.SearchAndReplaceInterceptor (Java's Matcher.replaceAll). */
export default defineInterceptor({
  type: "search_replace",
  summary: "Replaces each match of a regular expression in the event's text.",
  stability: "stable",
  config: configSchema,
  example: { searchPattern: "password=\\S+", replaceString: "password=***" },
  flume: () => [
    {
      names: ["search_replace", "org.apache.flume.interceptor.SearchAndReplaceInterceptor"],
      keys: {
        searchPattern: { to: "searchPattern", as: asText },
        replaceString: { to: "replaceString", as: asText },
        charset: {
          refused: "other encodings than UTF-8 are not carried yet",
          unless: ["UTF-8", "UTF8", "US-ASCII", "ASCII"],
        },
      },
    },
  ],
  create: (config) => new SearchReplace(config),
});

class SearchReplace implements Interceptor {
  constructor(private readonly config: Config) {}

  intercept(view: EventView): boolean {
    const text = view.text();
    if (!this.config.searchPattern.test(text)) return true;
    // Bytes that are no UTF-8 must come out as they went in: such an event is searched byte by byte.
    const bytes = view.buffer.subarray(view.start, view.end);
    const encoding = isUtf8(bytes) ? "utf8" : "latin1";
    const searched = encoding === "utf8" ? text : bytes.toString(encoding);
    view.setBody(Buffer.from(this.replaced(searched), encoding));
    return true;
  }

  private replaced(text: string): string {
    const { searchPattern, parts } = this.config;
    return searchPattern.replaceAll(text, (groups) => {
      let by = "";
      for (const part of parts) by += typeof part === "number" ? (groups[part] ?? "") : part;
      return by;
    });
  }
}

/** Texts, and groups by their number. */
function partsOf(written: string): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  for (const [, escaped, group, text] of written.matchAll(/\\([\s\S])|\$(\d+)|([^\\$]+|[\\$])/g)) {
    parts.push(group === undefined ? (escaped ?? text ?? "") : Number(group));
  }
  return parts;
}
