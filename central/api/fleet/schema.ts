import { z } from "@hono/zod-openapi";
import type { FleetAgent } from "../../fleet/standing.ts";

const orNull = (description: string) => z.int().nullable().openapi({ description });

/** An agent of the fleet on the wire. */
export const Agent = z
  .object({
    agent: z.string(),
    state: z.enum(["online", "silent", "stopped", "unheard"]).openapi({
      description:
        "silent: three heartbeats are missing. stopped: it was stopped, and said so. unheard: it sends records and no heartbeats.",
    }),
    heardMs: orNull("When its last heartbeat was in the topic."),
    ageMs: orNull("How long ago that is."),
    version: z.string().nullable(),
    configHash: z.string().nullable().openapi({ description: "The same for agents with the same config." }),
    startedMs: orNull("When its process began."),
    clockOffsetMs: orNull("Its wall clock less the broker's: more than some seconds is a wrong clock."),
    freeDiskBytes: orNull("On the disk that its channel is on."),
    backlogEvents: orNull("Events that it holds."),
    backlogBytes: orNull("The same in bytes, as stored."),
    oldestUnsentMs: orNull("Event time of the oldest of them."),
    stored: z.int(),
    shed: z.int(),
    dead: z.int(),
    missing: z.int(),
    inVehicle: z.int().openapi({ description: "Numbers that it has given and not delivered." }),
    onTheWay: z.int().openapi({ description: "Numbers that Kafka has and that are not stored yet." }),
    repeated: z.int(),
    lastStoredMs: orNull("When something of it was stored last."),
  })
  .openapi("FleetAgent");

/** As it goes over the wire. */
export function agentBody(agent: FleetAgent, nowMs: number): z.infer<typeof Agent> {
  const { presence, state, repeated, book } = agent;
  const { stored, shed, dead, missing, inVehicle, onTheWay } = book;
  return {
    agent: agent.agent,
    state,
    heardMs: presence?.heardMs ?? null,
    ageMs: presence === undefined ? null : Math.max(0, nowMs - presence.heardMs),
    version: presence?.version ?? null,
    configHash: presence?.config ?? null,
    startedMs: presence?.startedMs ?? null,
    clockOffsetMs: presence?.clockOffsetMs ?? null,
    freeDiskBytes: presence?.freeDiskBytes ?? null,
    backlogEvents: presence?.backlogEvents ?? null,
    backlogBytes: presence?.backlogBytes ?? null,
    oldestUnsentMs: agent.oldestUnsentMs ?? null,
    stored,
    shed,
    dead,
    missing,
    inVehicle,
    onTheWay,
    repeated,
    lastStoredMs: agent.updatedAtMs ?? null,
  };
}
