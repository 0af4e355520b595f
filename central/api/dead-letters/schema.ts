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

/** Which are tried again. */
export const RedriveChoice = z
  .strictObject({
    ids: z.array(z.int().min(1)).min(1).max(1_000).optional(),
    topic: z.string().min(1).max(249).optional(),
    reason: z.string().min(1).max(200).optional().openapi({ description: "Part of it." }),
    all: z.literal(true).optional(),
    afterId: z.int().min(0).default(0).openapi({ description: "`next` of the answer before." }),
  })
  .refine(
    ({ ids, topic, reason, all }) => all === true || ids !== undefined || topic !== undefined || reason !== undefined,
    {
      message: "name some by ids, topic or reason, or say all",
    },
  )
  .openapi("RedriveChoice");

/** What became of them. */
export const RedriveBody = z
  .object({
    tried: z.int(),
    stored: z.int(),
    repeated: z.int(),
    conflicts: z.int(),
    suppressed: z.int(),
    stayed: z.int().openapi({ description: "Refused again, with the new reason; or their bytes were not kept whole." }),
    next: z.int().optional().openapi({ description: "There are more: ask again with it as afterId." }),
  })
  .openapi("RedriveResult");
