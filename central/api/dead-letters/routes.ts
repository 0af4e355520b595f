import { createRoute, z } from "@hono/zod-openapi";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problems } from "../errors.ts";
import { bytesOf, cutPage, pageBytesMax } from "../page.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { DeadLetter, deadLetterBody } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listDeadLetters",
  ...withScope("read"),
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
export function deadLetters({ reader }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const cursors = new Cursors("dead-letters", [], isNumbers(1));
    const [afterId] = cursors.read(cursor) ?? [0];
    const found = await reader.deadLetters({ afterId, limit: limit + 1, bytesMax: pageBytesMax });
    const { rows, more } = cutPage(found, limit, ({ key, value, reason, identity }) =>
      bytesOf(key, value, reason, identity),
    );
    const deadLetters = rows.map(deadLetterBody);
    const last = rows.at(-1);
    if (!more || last === undefined) return context.json({ deadLetters }, 200);
    return context.json({ deadLetters, next: cursors.write([last.id]) }, 200);
  });
}
