import { createRoute, z } from "@hono/zod-openapi";
import type { LaneRow } from "../../store/reader.ts";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";
import { cursorParameter, formatCursor, limitParameter, parseCursor } from "../values.ts";

const Range = z.object({
  first: z.int(),
  last: z.int().openapi({ description: "Inclusive." }),
  kind: z.enum(["received", "shed", "dead", "missing"]),
  reason: z.string().optional().openapi({ description: "Why it was shed or put aside." }),
});

const Lane = z
  .object({
    agent: z.string(),
    epoch: z.string(),
    stream: z.string(),
    lane: z.int(),
    nextSeq: z.int().openapi({ description: "One behind the highest number seen." }),
    received: z.int(),
    missing: z.int().openapi({ description: "nextSeq = received + shed + dead + missing." }),
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

const route = createRoute({
  method: "get",
  path: "/api/v1/ledger",
  summary: "The books: per agent, stream and lane what was received, shed, put aside, and what is missing",
  request: {
    query: z.object({
      agent: z.string().max(256).optional(),
      stream: z.string().max(256).optional(),
      ranges: z.coerce.number().int().min(1).max(1_000).default(20).openapi({ description: "Ranges a lane." }),
      fromSeq: z.coerce.number().int().min(0).default(0).openapi({ description: "Ranges from this number on." }),
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description: "A page of lanes.",
      content: { "application/json": { schema: z.object({ lanes: z.array(Lane), next: z.string().optional() }) } },
    },
    ...problems,
  },
});

/** GET /api/v1/ledger */
export function listLedger(api: Api, { reader }: ApiDependencies): void {
  api.openapi(route, async (context) => {
    const { agent, stream, ranges, fromSeq, limit, cursor } = context.req.valid("query");
    const [afterId = 0] = parseCursor(cursor, 1) ?? [];
    const found = await reader.lanes({ agent, stream, afterId, limit: limit + 1 });
    const rows = found.slice(0, limit);
    const lanes = await Promise.all(rows.map((row) => laneBody(row)));
    const last = rows.at(-1);
    if (found.length <= limit || last === undefined) return context.json({ lanes }, 200);
    return context.json({ lanes, next: formatCursor([last.id]) }, 200);

    async function laneBody(row: LaneRow): Promise<z.infer<typeof Lane>> {
      const { id: _id, lastTimeMs, ...books } = row;
      const all = await reader.ranges(row, fromSeq, ranges + 1);
      return {
        ...books,
        ...(lastTimeMs === undefined ? {} : { lastTimeMs }),
        ranges: all
          .slice(0, ranges)
          .map(({ reason, ...range }) => (reason === undefined ? range : { ...range, reason })),
        rangesCut: all.length > ranges,
      };
    }
  });
}
