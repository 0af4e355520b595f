import { z } from "@hono/zod-openapi";

/** One on the wire. */
export const Alert = z
  .object({
    id: z.string().openapi({ description: "The same in every store that got the same records." }),
    number: z.int().openapi({ description: "Order in this store." }),
    group: z.string(),
    rule: z.string(),
    kind: z.enum(["threshold", "edge", "sequence", "absence", "count", "average"]),
    vehicle: z.string(),
    stream: z.string(),
    state: z.enum(["firing", "resolved", "occurred"]),
    sinceMs: z.int().openapi({ description: "Event time at which the condition began to hold." }),
    firedMs: z.int().openapi({ description: "Event time at which it became an alert." }),
    resolvedMs: z.int().optional(),
    resolvedBy: z.enum(["event", "silence", "rule"]).optional().openapi({
      description:
        "event: an event ended it. silence: nothing came for `maxGap`. rule: the rule was removed or changed.",
    }),
    storedMs: z.int().openapi({ description: "Central's clock." }),
    value: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    event: z.string().openapi({ description: "The event that the id is made of: its identity, or its place." }),
  })
  .openapi("Alert");
