import { hostname, networkInterfaces } from "node:os";
import { z } from "zod";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import { asFlag, asText } from "../core/flume-mapping.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z.strictObject({
    header: z.string().min(1).default("host").meta({ description: "Name of the header." }),
    useIP: z
      .boolean()
      .default(false)
      .meta({ description: "The first address that is not loopback, instead of the host's name." }),
    preserveExisting: z.boolean().default(false).meta({ description: "Leave a header of that name as it is." }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.interceptor.HostInterceptor. */
export default defineInterceptor({
  type: "host",
  summary: "Sets a header to the name, or the address, of the machine the agent runs on, as of its start.",
  stability: "stable",
  config: configSchema,
  example: { header: "host" },
  flume: () => [
    {
      names: ["host", "org.apache.flume.interceptor.HostInterceptor"],
      keys: {
        hostHeader: { to: "header", as: asText },
        useIP: { to: "useIP", as: asFlag },
        preserveExisting: { to: "preserveExisting", as: asFlag },
      },
      start: { useIP: true },
      headers: (draft) => [String(draft.get("header") ?? "host")],
    },
  ],
  create: (config) => new HostInterceptor(config),
});

class HostInterceptor implements Interceptor {
  private readonly value: string;

  constructor(private readonly config: Config) {
    this.value = (config.useIP ? firstAddress() : undefined) ?? hostname();
  }

  intercept(view: EventView): boolean {
    const { header, preserveExisting } = this.config;
    if (!preserveExisting || view.header(header) === undefined) view.setHeader(header, this.value);
    return true;
  }
}

function firstAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal }) => !internal)?.address;
}
