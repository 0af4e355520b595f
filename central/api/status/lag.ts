import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";

const PartitionLag = z
  .object({
    topic: z.string(),
    partition: z.int(),
    generation: z.int().openapi({ description: "How often the topic was found to be another one." }),
    next: z.int().openapi({ description: "Offset of the next record to store." }),
    highWatermark: z
      .int()
      .nullable()
      .openapi({ description: "null: not consumed by this instance, or not known yet." }),
    lag: z.int().nullable(),
    stored: z.int(),
    updatedAtMs: z.int().nullable(),
  })
  .openapi("PartitionLag");

const route = createRoute({
  method: "get",
  path: "/api/v1/lag",
  summary: "How far each partition is stored, and how far behind its end that is",
  responses: {
    200: {
      description: "All partitions.",
      content: {
        "application/json": {
          schema: z.object({ partitions: z.array(PartitionLag), lag: z.int().nullable(), rebalances: z.int() }),
        },
      },
    },
    ...problems,
  },
});

/** GET /api/v1/lag */
export function getLag(api: Api, { status }: ApiDependencies): void {
  api.openapi(route, async (context) => context.json(await status.lag(), 200));
}
