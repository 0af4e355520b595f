import type { Heartbeat } from "../../shared/heartbeat/heartbeat.ts";

/** A heartbeat of agent `gw1` like any other. */
export function testBeat(changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    v: 1,
    agent: "gw1",
    epoch: "e1",
    run: "r1",
    n: 1,
    everyMs: 30_000,
    atMs: 0,
    upMs: 0,
    version: "1",
    config: "c",
    backlog: { events: 0, bytes: 0 },
    lanes: [],
    lanesCut: 0,
    streams: [],
    outages: [],
    ...changes,
  };
}

/** A lane of it that is drained, as far as 10. */
export function testLane(changes: Partial<Heartbeat["lanes"][number]> = {}): Heartbeat["lanes"][number] {
  const none = { held: 0, shed: 0, dead: 0 };
  return { stream: "drive", epoch: "e1", lane: 0, to: "drive", assigned: 10, unsentFrom: 10, ...none, ...changes };
}
