import { z } from "zod";
import { secret } from "../../shared/config/secret.ts";
import { withValue } from "../../shared/json/edit-field.ts";
import { splitPath } from "../../shared/json/json-field.ts";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { Context } from "../core/context.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z
    .strictObject({
      secret: secret().meta({
        description: "The key of the hash. Whoever has it can find out which pseudonym a known value has.",
      }),
      fields: z
        .array(z.string().refine((path) => splitPath(path).every((name) => name !== ""), { error: "an empty name" }))
        .default([])
        .meta({ description: "Paths of fields of JSON lines: `driver`, `driver.licence`." }),
      headers: z.array(z.string().min(1)).default([]).meta({ description: "Headers." }),
      key: z.boolean().default(false).meta({ description: "The event's key too." }),
      notFound: z
        .enum(["keep", "drop"])
        .default("keep")
        .meta({ description: "What becomes of a line that lacks one of the fields, or is no JSON." }),
    })
    .refine(({ fields, headers, key }) => fields.length > 0 || headers.length > 0 || key, {
      error: "says nothing to pseudonymise: give it fields, headers or key",
    });
type Config = z.output<ReturnType<typeof configSchema>>;

export default defineInterceptor({
  type: "pseudonymise",
  summary:
    "Puts a keyed hash (HMAC-SHA-256, the first 128 bits in hex) in the place of chosen values: the same value gives the same pseudonym, and nobody without the secret can find the value of a pseudonym.",
  stability: "experimental",
  config: configSchema,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the config.
  example: { secret: "${PSEUDONYM_SECRET}", fields: ["driver.licence"] },
  create: (config, context) => new Pseudonymise(config, context),
});

/** Values whose pseudonyms are kept at hand. */
const keptMax = 4_096;

class Pseudonymise implements Interceptor {
  private readonly paths: readonly (readonly string[])[];
  private readonly pseudonyms = new Map<string, string>();
  private readonly missing: Counter;

  constructor(
    private readonly config: Config,
    { name, metrics }: Context,
  ) {
    this.paths = config.fields.map(splitPath);
    const help = "Events that lack a field which is to be pseudonymised.";
    this.missing = metrics.counter("tailgate_pseudonymise_missing_total", help, { component: name });
  }

  intercept(view: EventView): boolean {
    const { key, headers, notFound } = this.config;
    if (this.paths.length > 0 && !this.fields(view)) {
      this.missing.add(1);
      if (notFound === "drop") return false;
    }
    for (const header of headers) {
      const value = view.header(header);
      if (value !== undefined) view.setHeader(header, this.pseudonym(value));
    }
    if (key && view.key !== undefined) view.key = this.pseudonym(view.key);
    return true;
  }

  /** False when one of them was not there. */
  private fields(view: EventView): boolean {
    let text = view.text();
    let found = 0;
    for (const names of this.paths) {
      const changed = withValue(text, names, (value) => this.pseudonym(value));
      if (changed !== text) found++;
      text = changed;
    }
    if (found > 0) view.setBody(Buffer.from(text));
    return found === this.paths.length;
  }

  private pseudonym(value: string): string {
    let made = this.pseudonyms.get(value);
    if (made === undefined) {
      made = new Bun.CryptoHasher("sha256", this.config.secret).update(value).digest("hex").slice(0, 32);
      if (this.pseudonyms.size >= keptMax) this.pseudonyms.clear();
      this.pseudonyms.set(value, made);
    }
    return made;
  }
}
