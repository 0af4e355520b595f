import type { z } from "@hono/zod-openapi";
import { parseIdentity } from "../../../shared/identity/identity.ts";
import { vehicleOf } from "../../ledger/vehicle.ts";
import { plainRecord } from "../../records/record-block.ts";
import type { LiveRecord } from "../../replay/live-replay.ts";
import type { Event } from "../events/schema.ts";
import { valueFields } from "../values.ts";

/** A record as the event that it is, under Kafka's time: the pace goes by it, and edges set it to the event's. */
export function recordBody({ at, record }: LiveRecord): z.infer<typeof Event> {
  const { key, value, identity: text, timeMs, offset } = plainRecord(record.slice.block, record.index);
  const claimed = text === undefined ? undefined : parseIdentity(text);
  const identity = claimed && {
    identity: { agent: claimed.agent, epoch: claimed.epoch, lane: claimed.lane, seq: claimed.first },
  };
  const named = { vehicle: vehicleOf(key, text), stream: claimed?.stream ?? at.topic };
  return { timeMs, ...named, ...identity, ...at, offset, ...valueFields(value ?? null) };
}
