import { createRoute, z } from "@hono/zod-openapi";
import { withScope } from "../../api/access.ts";
import { type ApiDependencies, resource } from "../../api/api.ts";
import { problems } from "../../api/errors.ts";

const total = createRoute({
  method: "get",
  operationId: "example",
  ...withScope("read"),
  path: "/api/v1/example",
  summary: "An example: how many events there are",
  responses: {
    200: {
      description: "So many.",
      content: { "application/json": { schema: z.object({ events: z.int() }) } },
    },
    ...problems,
  },
});

/** An example of a resource, used by tests: GET /api/v1/example */
export function example({ reader }: ApiDependencies) {
  return resource().openapi(total, async (context) => context.json({ events: (await reader.totals()).stored }, 200));
}
