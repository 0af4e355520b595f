import { z } from "@hono/zod-openapi";
import type { GapRow } from "../../store/reader.ts";

/** One on the wire. */
export const GapBody = z
  .object({
    id: z.int(),
    topic: z.string(),
    partition: z.int(),
    kind: z.string().openapi({ description: "retention: deleted before it was stored; recreated: the topic was." }),
    firstOffset: z.int(),
    lastOffset: z.int().optional().openapi({ description: "Absent: it cannot be known." }),
    atMs: z.int(),
  })
  .openapi("Gap");

/** As it goes over the wire. */
export function gapBody({ lastOffset, ...row }: GapRow): z.infer<typeof GapBody> {
  return lastOffset === undefined ? row : { ...row, lastOffset };
}
