import { z } from "@hono/zod-openapi";
import type { EventRow } from "../../store/reader.ts";
import { Value, valueFields } from "../values.ts";

/** An event on the wire. */
export const Event = z
  .object({
    timeMs: z.int().openapi({ description: "Event time." }),
    vehicle: z.string(),
    stream: z.string(),
    identity: z
      .object({ agent: z.string(), epoch: z.string(), lane: z.int(), seq: z.int() })
      .optional()
      .openapi({ description: "Absent: the record carried none; topic, partition and offset name it." }),
    topic: z.string(),
    partition: z.int(),
    offset: z.int(),
    ...Value,
  })
  .openapi("Event");

/** As it goes over the wire. */
export function eventBody(vehicle: string, row: EventRow): z.infer<typeof Event> {
  const { position, stream, topic, partition, lane, seq, value } = row;
  const identity = lane && { identity: { agent: lane.agent, epoch: lane.epoch, lane: lane.lane, seq } };
  const { time: timeMs, offset } = position;
  return { timeMs, vehicle, stream, ...identity, topic, partition, offset, ...valueFields(value) };
}
