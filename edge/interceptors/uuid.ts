import { z } from "zod";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import { asFlag, asText } from "../core/flume-mapping.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z.strictObject({
    headerName: z.string().min(1).default("id").meta({ description: "Name of the header." }),
    prefix: z.string().default("").meta({ description: "Put before the identifier." }),
    preserveExisting: z.boolean().default(true).meta({ description: "Leave a header of that name as it is." }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.sink.solr.morphline.UUIDInterceptor. */
export default defineInterceptor({
  type: "uuid",
  summary:
    "Sets a header to a random identifier (RFC 9562, version 7, in order of time). A line that is read again after a crash gets another one; a record's identity header stays the same.",
  stability: "stable",
  config: configSchema,
  example: { headerName: "id" },
  flume: () => [
    {
      names: ["org.apache.flume.sink.solr.morphline.UUIDInterceptor"],
      keys: {
        headerName: { to: "headerName", as: asText },
        prefix: { to: "prefix", as: asText },
        preserveExisting: { to: "preserveExisting", as: asFlag },
      },
      differences: ["Identifiers are of version 7 (in order of time), not 4."],
      headers: (draft) => [String(draft.get("headerName") ?? "id")],
    },
  ],
  create: (config) => new UuidInterceptor(config),
});

class UuidInterceptor implements Interceptor {
  constructor(private readonly config: Config) {}

  intercept(view: EventView): boolean {
    const { headerName, prefix, preserveExisting } = this.config;
    if (!preserveExisting || view.header(headerName) === undefined) {
      view.setHeader(headerName, `${prefix}${Bun.randomUUIDv7()}`);
    }
    return true;
  }
}
