import { z } from "zod";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import { asFlag } from "../core/flume-mapping.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z.strictObject({
    headers: z
      .record(z.string().min(1), z.string())
      .refine((headers) => Object.keys(headers).length > 0, { error: "name at least one header" })
      .meta({ description: "Headers by name." }),
    preserveExisting: z.boolean().default(true).meta({ description: "Leave headers of these names as they are." }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.interceptor.StaticInterceptor, for any number of headers. */
export default defineInterceptor({
  type: "static",
  summary: "Sets headers to fixed values.",
  stability: "stable",
  config: configSchema,
  example: { headers: { fleet: "pilot" } },
  flume: () => [
    {
      names: ["static", "org.apache.flume.interceptor.StaticInterceptor"],
      keys: {
        key: { by: "the name in `headers`" },
        value: { by: "the value in `headers`" },
        preserveExisting: { to: "preserveExisting", as: asFlag },
      },
      finish: (draft) => {
        const name = draft.value("key")?.written ?? "key";
        draft.set("headers", { [name]: draft.value("value")?.written ?? "value" });
      },
      headers: (draft) => [draft.value("key")?.text ?? "key"],
    },
  ],
  create: (config) => new StaticInterceptor(config),
});

class StaticInterceptor implements Interceptor {
  private readonly entries: readonly (readonly [string, string])[];

  constructor(private readonly config: Config) {
    this.entries = Object.entries(config.headers);
  }

  intercept(view: EventView): boolean {
    const { preserveExisting } = this.config;
    for (const [name, value] of this.entries) {
      if (!preserveExisting || view.header(name) === undefined) view.setHeader(name, value);
    }
    return true;
  }
}
