import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";
import { cursorParameter, formatCursor, limitParameter, parseCursor } from "../values.ts";

const Gap = z
  .object({
    id: z.int(),
    topic: z.string(),
    partition: z.int(),
    kind: z.string().openapi({ description: "retention: deleted before it was stored; recreated: the topic was." }),
    firstOffset: z.int(),
    lastOffset: z.int().optional().openapi({ description: "Absent: nobody can know." }),
    atMs: z.int(),
  })
  .openapi("Gap");

const route = createRoute({
  method: "get",
  path: "/api/v1/gaps",
  summary: "Alerts: offsets of a topic that were never read and are gone",
  request: { query: z.object({ limit: limitParameter(100, 1_000), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: { "application/json": { schema: z.object({ gaps: z.array(Gap), next: z.string().optional() }) } },
    },
    ...problems,
  },
});

/** GET /api/v1/gaps */
export function listGaps(api: Api, { reader }: ApiDependencies): void {
  api.openapi(route, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const [afterId = 0] = parseCursor(cursor, 1) ?? [];
    const found = await reader.gaps({ afterId, limit: limit + 1 });
    const gaps = found
      .slice(0, limit)
      .map(({ lastOffset, ...row }) => (lastOffset === undefined ? row : { ...row, lastOffset }));
    const last = gaps.at(-1);
    if (found.length <= limit || last === undefined) return context.json({ gaps }, 200);
    return context.json({ gaps, next: formatCursor([last.id]) }, 200);
  });
}
