import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";

const PartitionLag = z
  .object({
    topic: z.string(),
    partition: z.int(),
    reader: z.enum(["self", "sibling", "stranger", "nobody", "unknown"]).openapi({
      description:
        "Who reads it into this store: this instance, another one on the same store (sibling); stranger: a member of the group that writes elsewhere.",
    }),
    generation: z.int().openapi({ description: "How often the topic was found to be another one." }),
    next: z.int().openapi({ description: "Offset of the next record to store." }),
    highWatermark: z
      .int()
      .nullable()
      .openapi({ description: "The offset after the last record that can be read; null: not known yet." }),
    lag: z.int().nullable().openapi({ description: "Offsets that can be read and are not stored." }),
    waiting: z
      .int()
      .nullable()
      .openapi({ description: "Offsets after those, which an open transaction holds back; null: not known here." }),
    unread: z.boolean().openapi({ description: "Nobody has read it into this store for 20 s or more." }),
    stalled: z.boolean().openapi({ description: "It has records to read, and none have come for 30 s or more." }),
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
          schema: z.object({
            partitions: z.array(PartitionLag),
            lag: z.int().nullable(),
            waiting: z.int().nullable(),
            unread: z.int(),
            stalled: z.int(),
            missingTopics: z.array(z.string()),
            groupRefused: z.boolean(),
            rebalances: z.int(),
          }),
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
