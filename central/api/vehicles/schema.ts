import { z } from "@hono/zod-openapi";
import type { VehicleState } from "../../store/reader.ts";
import { Value, valueFields } from "../values.ts";

const StreamState = z.object({
  stream: z.string(),
  events: z.int().openapi({ description: "Stored so far." }),
  timeMs: z.int().openapi({ description: "Event time of the last state, milliseconds since 1970." }),
  ageMs: z.int().openapi({ description: "Since then; negative when the vehicle's clock is ahead." }),
  storedAtMs: z.int(),
  clockAhead: z.boolean().openapi({
    description: "The time was ahead of central's clock when it was stored: one of the two clocks is wrong.",
  }),
  agent: z.string().optional().openapi({ description: "Who sent it; absent: it carried no identity." }),
  valueSize: z
    .int()
    .openapi({ description: "Bytes of the value; more than are here when it was cut at `valueBytes`." }),
  ...Value,
});

/** A vehicle on the wire. */
export const Vehicle = z
  .object({
    vehicle: z.string(),
    streams: z.array(StreamState),
    streamsCut: z
      .boolean()
      .openapi({ description: "It has more streams than fit into an answer; /api/v1/events reads each by its name." }),
  })
  .openapi("Vehicle");

/** As it goes over the wire. */
export function vehicleBody({ vehicle, streams, streamsCut }: VehicleState, nowMs: number): z.infer<typeof Vehicle> {
  return {
    vehicle,
    streams: streams.map(({ value, agent, ...state }) => ({
      ...state,
      ...(agent === undefined ? {} : { agent }),
      ageMs: nowMs - state.timeMs,
      ...valueFields(value),
    })),
    streamsCut,
  };
}
