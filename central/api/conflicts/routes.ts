import { createRoute, z } from "@hono/zod-openapi";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problems } from "../errors.ts";
import { bytesOf, cutPage, pageBytesMax } from "../page.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { Conflict, conflictBody } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listConflicts",
  ...withScope("read"),
  path: "/api/v1/conflicts",
  summary: "Conflicts: records whose number is stored already, with other bytes",
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
export function conflicts({ reader }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const cursors = new Cursors("conflicts", [], isNumbers(1));
    const [afterId] = cursors.read(cursor) ?? [0];
    const found = await reader.conflicts({ afterId, limit: limit + 1, bytesMax: pageBytesMax });
    const { rows, more } = cutPage(found, limit, ({ value, agent, epoch, stream, vehicle }) =>
      bytesOf(value, agent, epoch, stream, vehicle),
    );
    const conflicts = rows.map(conflictBody);
    const last = rows.at(-1);
    if (!more || last === undefined) return context.json({ conflicts }, 200);
    return context.json({ conflicts, next: cursors.write([last.id]) }, 200);
  });
}
