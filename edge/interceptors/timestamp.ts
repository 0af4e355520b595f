import { z } from "zod";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import { asFlag, asText } from "../core/flume-mapping.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z.strictObject({
    header: z.string().min(1).default("timestamp").meta({ description: "Name of the header." }),
    preserveExisting: z.boolean().default(false).meta({ description: "Leave a header of that name as it is." }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.interceptor.TimestampInterceptor. */
export default defineInterceptor({
  type: "timestamp",
  summary:
    "Sets a header to the event's time in milliseconds since 1970: the time of reading, or what an extractor before it found.",
  stability: "stable",
  config: configSchema,
  example: { header: "timestamp" },
  flume: () => [
    {
      names: ["timestamp", "org.apache.flume.interceptor.TimestampInterceptor"],
      keys: {
        headerName: { to: "header", as: asText },
        // What it was called before Flume 1.8, and is in many files still.
        header: { nothing: "Flume reads `headerName`" },
        preserveExisting: { to: "preserveExisting", as: asFlag },
      },
      headers: (draft) => [String(draft.get("header") ?? "timestamp")],
    },
  ],
  create: (config) => new TimestampInterceptor(config),
});

class TimestampInterceptor implements Interceptor {
  // Events of one chunk share their time of reading: its text is made once.
  private timeMs = Number.NaN;
  private text = "";

  constructor(private readonly config: Config) {}

  intercept(view: EventView): boolean {
    const { header, preserveExisting } = this.config;
    if (preserveExisting && view.header(header) !== undefined) return true;
    if (view.eventTimeMs !== this.timeMs) {
      this.timeMs = view.eventTimeMs;
      this.text = String(view.eventTimeMs);
    }
    view.setHeader(header, this.text);
    return true;
  }
}
