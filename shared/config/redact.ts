import type { z } from "zod";
import { markedFields } from "./marked-fields.ts";

/** What stands in a secret's place. */
export const REDACTED = "***";

/**
 * A copy of a config that may be shown: every field whose schema is marked `secret` reads `***`.
 * The marks come from the schema, so a new secret field is hidden without anybody remembering to.
 */
export function redact(schema: z.core.$ZodType, value: unknown): unknown {
  const hidden = new Set(markedFields(schema, value, "secret").map(({ path }) => JSON.stringify(path)));
  return copy(value, []);

  function copy(part: unknown, path: readonly PropertyKey[]): unknown {
    if (hidden.has(JSON.stringify(path))) return REDACTED;
    if (Array.isArray(part)) return part.map((item: unknown, index) => copy(item, [...path, index]));
    if (typeof part !== "object" || part === null || Object.getPrototypeOf(part) !== Object.prototype) return part;
    return Object.fromEntries(Object.entries(part).map(([name, item]) => [name, copy(item, [...path, name])]));
  }
}
