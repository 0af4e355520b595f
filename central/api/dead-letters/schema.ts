import { z } from "@hono/zod-openapi";
import type { DeadLetterRow } from "../../store/reader.ts";
import { Value, valueFields } from "../values.ts";

/** One on the wire. */
export const DeadLetter = z
  .object({
    id: z.int(),
    topic: z.string(),
    partition: z.int(),
    firstOffset: z.int(),
    lastOffset: z.int().openapi({ description: "Differs from firstOffset where a whole batch was unreadable." }),
    reason: z.string(),
    identity: z.string().optional(),
    keyBase64: z.string().optional(),
    atMs: z.int(),
    ...Value,
  })
  .openapi("DeadLetter");

/** As it goes over the wire. */
export function deadLetterBody({ key, value, identity, ...row }: DeadLetterRow): z.infer<typeof DeadLetter> {
  return {
    ...row,
    ...(identity === undefined ? {} : { identity }),
    ...(key === null ? {} : { keyBase64: key.toString("base64") }),
    ...valueFields(value),
  };
}
