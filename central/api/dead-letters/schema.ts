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

/** Which: by topic, reason and vehicle; all where nothing is named. */
export const choiceFields = {
  topic: z.string().min(1).max(249).optional(),
  reason: z.string().min(1).max(200).optional().openapi({ description: "Part of it." }),
  vehicle: z
    .string()
    .min(1)
    .max(1_024)
    .optional()
    .openapi({ description: "By its key; by the agent that its identity names, where it has no key." }),
};

/** Which are tried again at once. */
export const RedriveChoice = z
  .strictObject({ ids: z.array(z.int().min(1)).min(1).max(1_000) })
  .openapi("RedriveChoice", { description: "Some by their ids; many are a job: POST /api/v1/redrives." });

/** How many are chosen. */
export const DeadLetterCountBody = z
  .object({
    letters: z.int(),
    records: z.int().openapi({ description: "A letter may be a whole batch, or a range without its bytes." }),
  })
  .openapi("DeadLetterCount");

/** What became of them. */
export const RedriveBody = z
  .object({
    tried: z.int(),
    stored: z.int(),
    repeated: z.int(),
    conflicts: z.int(),
    suppressed: z.int(),
    stayed: z.int().openapi({ description: "Refused again, with the new reason; or their bytes were not kept whole." }),
  })
  .openapi("RedriveResult");
