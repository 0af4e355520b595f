import { z } from "@hono/zod-openapi";
import type { ConflictRow } from "../../store/reader.ts";
import { Value, valueFields } from "../values.ts";

/** One on the wire. */
export const Conflict = z
  .object({
    id: z.int(),
    agent: z.string(),
    epoch: z.string(),
    stream: z.string(),
    lane: z.int(),
    seq: z.int(),
    vehicle: z.string(),
    timeMs: z.int(),
    topic: z.string(),
    partition: z.int(),
    offset: z.int(),
    sender: z.string().openapi({ description: "What is known of who sent it." }),
    heldBy: z.string().openapi({ description: "Who had sent what the lane took before: topic/partition, signature." }),
    atMs: z.int(),
    ...Value,
  })
  .openapi("Conflict");

/** As it goes over the wire. */
export function conflictBody({ value, ...row }: ConflictRow): z.infer<typeof Conflict> {
  return { ...row, ...valueFields(value) };
}
