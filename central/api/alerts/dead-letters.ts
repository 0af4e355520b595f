import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";
import { cursorParameter, formatCursor, limitParameter, parseCursor, Value, valueFields } from "../values.ts";

const DeadLetter = z
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

const route = createRoute({
  method: "get",
  path: "/api/v1/dead-letters",
  summary: "What could not be stored as an event, with its bytes",
  request: { query: z.object({ limit: limitParameter(20, 100), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": { schema: z.object({ deadLetters: z.array(DeadLetter), next: z.string().optional() }) },
      },
    },
    ...problems,
  },
});

/** GET /api/v1/dead-letters */
export function listDeadLetters(api: Api, { reader }: ApiDependencies): void {
  api.openapi(route, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const [afterId = 0] = parseCursor(cursor, 1) ?? [];
    const found = await reader.deadLetters({ afterId, limit: limit + 1 });
    const deadLetters = found.slice(0, limit).map(({ key, value, identity, ...row }) => ({
      ...row,
      ...(identity === undefined ? {} : { identity }),
      ...(key === null ? {} : { keyBase64: key.toString("base64") }),
      ...valueFields(value),
    }));
    const last = deadLetters.at(-1);
    if (found.length <= limit || last === undefined) return context.json({ deadLetters }, 200);
    return context.json({ deadLetters, next: formatCursor([last.id]) }, 200);
  });
}
