import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";

const Status = z
  .object({
    stored: z.int().openapi({ description: "Events in the store." }),
    withoutIdentity: z.int().openapi({ description: "Of these, from other producers: outside the ledger." }),
    missing: z.int(),
    repeated: z.int().openapi({ description: "Came again, and were not stored again." }),
    conflicts: z.int(),
    shed: z.int(),
    deadLettered: z.int(),
    gaps: z.int(),
    vehicles: z.int(),
    linesPerSecond: z.number().openapi({ description: "Stored, over the last five seconds." }),
    lag: z.int().nullable().openapi({ description: "Offsets that can be read and are not stored yet; null: unknown." }),
    waiting: z
      .int()
      .nullable()
      .openapi({ description: "Offsets after those: they cannot be read while a transaction is open." }),
    unreadPartitions: z.int().openapi({ description: "Partitions that nobody reads into this store." }),
    stalledPartitions: z.int().openapi({ description: "Partitions that have records to read, and none come." }),
    missingTopics: z.array(z.string()).openapi({ description: "Named in the config; the cluster does not have them." }),
    groupRefused: z
      .boolean()
      .openapi({ description: "The group's members write to another store: it lets us not in." }),
    kafkaConnected: z.boolean(),
    storeAvailable: z.boolean(),
    sinceMs: z.int().openapi({ description: "Up since, milliseconds since 1970." }),
  })
  .openapi("Status");

const route = createRoute({
  method: "get",
  path: "/api/v1/status",
  summary: "Everything in one line of numbers",
  responses: {
    200: { description: "The numbers.", content: { "application/json": { schema: Status } } },
    ...problems,
  },
});

/** GET /api/v1/status */
export function getStatus(api: Api, { status }: ApiDependencies): void {
  api.openapi(route, async (context) => context.json(await status.summary(), 200));
}
