import { z } from "zod";
import { pattern } from "../../shared/config/pattern/pattern.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import { asCommas, asText } from "../core/flume-mapping.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z
    .strictObject({
      withName: z.string().min(1).optional().meta({ description: "The header of this name." }),
      fromList: z.array(z.string().min(1)).optional().meta({ description: "The headers of these names." }),
      matching: pattern().optional().meta({ description: "Headers whose whole name this expression matches." }),
    })
    .refine((config) => Object.values(config).some((value) => value !== undefined), {
      error: "says nothing to remove: give it withName, fromList or matching",
    });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.interceptor.RemoveHeaderInterceptor; `fromList` is a list here, not a text with separators. */
export default defineInterceptor({
  type: "remove_header",
  summary: "Takes headers away, by name or by a regular expression of their names.",
  stability: "stable",
  config: configSchema,
  example: { matching: "tmp_.*" },
  flume: () => [
    {
      names: ["remove_header", "org.apache.flume.interceptor.RemoveHeaderInterceptor"],
      keys: {
        withName: { to: "withName", as: asText },
        fromList: { to: "fromList", as: asCommas },
        fromListSeparator: { refused: "names in `fromList` are separated by commas", unless: [",", "\\s*,\\s*"] },
        matching: { to: "matching", as: asText },
      },
    },
  ],
  create: (config) => new RemoveHeader(config),
});

class RemoveHeader implements Interceptor {
  private readonly names: readonly string[];

  constructor(private readonly config: Config) {
    this.names = [...(config.withName === undefined ? [] : [config.withName]), ...(config.fromList ?? [])];
  }

  intercept(view: EventView): boolean {
    for (const name of this.names) view.removeHeader(name);
    const { matching } = this.config;
    if (matching === undefined) return true;
    for (let index = view.headerNames.length - 1; index >= 0; index--) {
      const name = view.headerNames[index];
      if (name !== undefined && matching.match(name)?.[0] === name) view.removeHeader(name);
    }
    return true;
  }
}
