import { z } from "@hono/zod-openapi";

const Missed = z.object({
  stream: z.string(),
  epoch: z.string(),
  lane: z.int(),
  first: z.int(),
  last: z.int().openapi({ description: "Inclusive: first to last could not be delivered in it." }),
  came: z.int().openapi({ description: "Of these, stored by now." }),
  onTheWay: z.int(),
  inVehicle: z.int(),
  missing: z.int().openapi({ description: "Did not come, although later ones did; the reason is not known." }),
  shed: z
    .array(z.object({ first: z.int(), last: z.int(), reason: z.string() }))
    .openapi({ description: "Will never come, and why." }),
  cut: z.boolean().openapi({ description: "There are more ranges than were looked at: the sums are too small." }),
});

/** An outage on the wire. */
export const OutageBody = z
  .object({
    agent: z.string(),
    kind: z.enum(["link", "stopped", "killed", "silent"]).openapi({
      description:
        "link: the agent ran and did not reach its destination. stopped: it was stopped, and said so. killed: it ended without saying so. silent: it goes on, and the reason is not known.",
    }),
    fromMs: z.int(),
    toMs: z.int().nullable().openapi({ description: "null: it goes on." }),
    caughtUpMs: z.int().nullable().openapi({ description: "When all that had waited had left the vehicle." }),
    missed: z.array(Missed),
    missedCut: z.int().openapi({ description: "Lanes that are left out." }),
    losses: z.array(z.object({ stream: z.string(), name: z.string(), amount: z.int() })).openapi({
      description: "What was lost before it had a number, such as `lost_at_source`. The unit is that of the counter.",
    }),
  })
  .openapi("Outage");
export type OutageBody = z.infer<typeof OutageBody>;
