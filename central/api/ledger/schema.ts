import { z } from "@hono/zod-openapi";
import type { LaneRange, LaneRow } from "../../store/reader.ts";

const Range = z.object({
  first: z.int(),
  last: z.int().openapi({ description: "Inclusive." }),
  kind: z.enum(["received", "shed", "dead", "missing", "before-first"]),
  reason: z.string().optional().openapi({ description: "Why it was shed or put aside." }),
});

/** The books of a lane on the wire. */
export const Lane = z
  .object({
    agent: z.string(),
    epoch: z.string(),
    stream: z.string(),
    lane: z.int(),
    nextSeq: z.int().openapi({ description: "One more than the highest number seen." }),
    beforeFirst: z.int().openapi({
      description: "Numbers before the first that came: perhaps never sent here, so they are not missing.",
    }),
    received: z.int(),
    missing: z.int().openapi({ description: "nextSeq = beforeFirst + received + shed + dead + missing." }),
    shed: z.int(),
    dead: z.int(),
    repeated: z.int(),
    conflicts: z.int(),
    lastTimeMs: z.int().optional(),
    updatedAtMs: z.int(),
    ranges: z.array(Range),
    rangesCut: z.boolean().openapi({ description: "There are more ranges than were asked for." }),
  })
  .openapi("Lane");

/** As it goes over the wire: the lane, and of its ranges no more than `rangesMax`. */
export function laneBody(row: LaneRow, found: readonly LaneRange[], rangesMax: number): z.infer<typeof Lane> {
  const { id: _id, lastTimeMs, ...books } = row;
  const ranges = found
    .slice(0, rangesMax)
    .map(({ reason, ...range }) => (reason === undefined ? range : { ...range, reason }));
  const last = lastTimeMs === undefined ? {} : { lastTimeMs };
  return { ...books, ...last, ranges, rangesCut: found.length > rangesMax };
}
