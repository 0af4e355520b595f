import { createRoute, z } from "@hono/zod-openapi";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { problemsWithNotHere } from "../errors.ts";
import { kept } from "../fleet/kept.ts";

const Books = z
  .object({
    assigned: z.int().openapi({
      description:
        "Numbers that were given: beforeFirst + stored + inVehicle + onTheWay + shed + dead + missing + difference.",
    }),
    beforeFirst: z.int().openapi({ description: "Before the first that came of each lane: perhaps never sent here." }),
    stored: z.int(),
    inVehicle: z.int().openapi({ description: "In flight: in the vehicles, as of their last heartbeats." }),
    onTheWay: z.int().openapi({ description: "In flight: acknowledged by Kafka, and not stored yet." }),
    shed: z.int(),
    dead: z.int(),
    missing: z.int(),
    difference: z.int().openapi({
      description:
        "What nothing explains. Above 0: acknowledged longer ago than `booksPatience`, and not stored. Below 0: stored, and never given by the agent.",
    }),
    balanced: z.boolean(),
    sinceMs: z.int().nullable().openapi({ description: "Since when there is a difference." }),
    lanes: z.array(
      z.object({
        agent: z.string(),
        epoch: z.string(),
        stream: z.string(),
        lane: z.int(),
        difference: z.int(),
        why: z.string(),
      }),
    ),
  })
  .openapi("Books");

const get = createRoute({
  method: "get",
  operationId: "getBooks",
  ...withScope("read"),
  path: "/api/v1/books",
  summary:
    "Where every number is that any agent has given, and whether that adds up; at most 100 lanes where it does not",
  responses: {
    200: { description: "The books.", content: { "application/json": { schema: Books } } },
    ...problemsWithNotHere,
  },
});

/** GET /api/v1/books */
export function books({ fleet: service }: ApiDependencies) {
  return resource().openapi(get, async (context) => context.json(await kept(service).books(), 200));
}
