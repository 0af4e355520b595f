import { z } from "@hono/zod-openapi";
import type { HourCell } from "../../fleet/completeness.ts";
import { hourMs } from "../../ledger/hours.ts";

/** An hour of an agent's stream on the wire. */
export const CellBody = z
  .object({
    agent: z.string(),
    stream: z.string(),
    hourMs: z.int().openapi({ description: "When the hour begins, by event time." }),
    expected: z.int().openapi({ description: "stored + inVehicle + onTheWay + shed + dead + missing." }),
    stored: z.int(),
    inVehicle: z.int().openapi({ description: "Given a number, and not delivered yet; as of the last heartbeat." }),
    onTheWay: z.int().openapi({ description: "Delivered to Kafka, and not stored yet." }),
    shed: z.int().openapi({ description: "Dropped by the agent's policy." }),
    dead: z.int().openapi({ description: "Refused by the destination for ever, or unreadable in the vehicle." }),
    missing: z
      .int()
      .openapi({ description: "Numbers that did not come, although later ones did; the reason is not known." }),
    late: z.int().openapi({ description: "Of the stored ones: later than `lateAfter` after their event time." }),
    repeated: z.int().openapi({ description: "Came again, and were not stored again." }),
  })
  .openapi("CompletenessCell");

/** As it goes over the wire. */
export function cellBody({ hour, ...cell }: HourCell): z.infer<typeof CellBody> {
  return { ...cell, hourMs: hour * hourMs };
}
