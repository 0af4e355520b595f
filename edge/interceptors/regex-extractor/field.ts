import { z } from "zod";
import { type Pattern, pattern } from "../../../shared/config/pattern/pattern.ts";
import { type FieldReader, fieldReader, splitPath } from "../../../shared/json/json-field.ts";

/** The config of one thing to extract: a pattern (its first group, or all of the match), or a field of a JSON line. */
export const Field = z.union(
  [
    pattern(),
    z.strictObject({
      json: z
        .string()
        .refine((path) => splitPath(path).every((name) => name !== ""), { error: "a name in the path is empty" })
        .meta({ description: "Path of a field: `car`, `vehicle.id`." }),
    }),
  ],
  { error: "write a regular expression, or { json: path }" },
);
export type Field = z.output<typeof Field>;

/** Reads the field's text from an event; undefined when it is not there. */
export function readerOf(field: Field): FieldReader {
  if (!isPattern(field)) return fieldReader(field.json);
  const group = field.groupCount > 0 ? 1 : 0;
  return (text) => field.match(text)?.[group];
}

function isPattern(field: Field): field is Pattern {
  return "engine" in field;
}
