import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";
import { cursorParameter, formatCursor, limitParameter, parseCursor, Value, valueFields } from "../values.ts";

const Conflict = z
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
    atMs: z.int(),
    ...Value,
  })
  .openapi("Conflict");

const route = createRoute({
  method: "get",
  path: "/api/v1/conflicts",
  summary: "Alerts: records that came under an identity already stored, with other bytes",
  request: { query: z.object({ limit: limitParameter(20, 1_000), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": { schema: z.object({ conflicts: z.array(Conflict), next: z.string().optional() }) },
      },
    },
    ...problems,
  },
});

/** GET /api/v1/conflicts */
export function listConflicts(api: Api, { reader }: ApiDependencies): void {
  api.openapi(route, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const [afterId = 0] = parseCursor(cursor, 1) ?? [];
    const found = await reader.conflicts({ afterId, limit: limit + 1 });
    const conflicts = found.slice(0, limit).map(({ value, ...row }) => ({ ...row, ...valueFields(value) }));
    const last = conflicts.at(-1);
    if (found.length <= limit || last === undefined) return context.json({ conflicts }, 200);
    return context.json({ conflicts, next: formatCursor([last.id]) }, 200);
  });
}
