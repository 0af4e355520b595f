import { z } from "zod";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { Context } from "../core/context.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z.strictObject({
    prefix: z.string().default("").meta({ description: "Put before each header's name." }),
    fields: z
      .array(z.string().min(1))
      .optional()
      .meta({ description: "Only these fields of the outer level; without it, all whose value is no object or list." }),
    invalid: z
      .enum(["keep", "drop"])
      .default("keep")
      .meta({ description: "What becomes of a line that is no JSON object; it is counted either way." }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

export default defineInterceptor({
  type: "parse_json",
  summary:
    "Makes headers of a JSON line's fields, so that selectors and topics can use them. For one or two fields `regex_extractor` with `{ json: path }` costs less.",
  stability: "experimental",
  config: configSchema,
  example: { fields: ["kind", "area"] },
  create: (config, context) => new ParseJson(config, context),
});

class ParseJson implements Interceptor {
  private readonly invalid: Counter;

  constructor(
    private readonly config: Config,
    { name, metrics }: Context,
  ) {
    const help = "Events that are no JSON object.";
    this.invalid = metrics.counter("tailgate_parse_json_invalid_total", help, { component: name });
  }

  intercept(view: EventView): boolean {
    const object = objectOf(view.text());
    if (object === undefined) {
      this.invalid.add(1);
      return this.config.invalid === "keep";
    }
    const { prefix, fields = Object.keys(object) } = this.config;
    for (const name of fields) {
      const value = Object.hasOwn(object, name) ? object[name] : undefined;
      if (value === undefined || value === null || typeof value === "object") continue;
      view.setHeader(`${prefix}${name}`, String(value));
    }
    return true;
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
