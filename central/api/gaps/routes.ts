import { createRoute, z } from "@hono/zod-openapi";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problems } from "../errors.ts";
import { cutPage, pageBytesMax } from "../page.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { GapBody, gapBody } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listGaps",
  ...withScope("read"),
  path: "/api/v1/gaps",
  summary: "Gaps: offsets of a partition that Kafka lost before central read them",
  request: { query: z.object({ limit: limitParameter(100, 1_000), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: { "application/json": { schema: z.object({ gaps: z.array(GapBody), next: z.string().optional() }) } },
    },
    ...problems,
  },
});

/** GET /api/v1/gaps */
export function gaps({ reader }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const cursors = new Cursors("gaps", [], isNumbers(1));
    const [afterId] = cursors.read(cursor) ?? [0];
    const found = await reader.gaps({ afterId, limit: limit + 1, bytesMax: pageBytesMax });
    const { rows, more } = cutPage(found, limit, () => 100);
    const gaps = rows.map(gapBody);
    const last = rows.at(-1);
    if (!more || last === undefined) return context.json({ gaps }, 200);
    return context.json({ gaps, next: cursors.write([last.id]) }, 200);
  });
}
