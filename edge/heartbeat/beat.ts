/** From what the agent knows of itself to one heartbeat, within its bounds. */
import { heartbeatBounds } from "../../shared/heartbeat/format.ts";
import type { Heartbeat, HeartbeatLane } from "../../shared/heartbeat/heartbeat.ts";
import type { LaneVitals, Vitals } from "../engine/vitals.ts";
import type { LaneHours } from "./lane-hours.ts";

/** What it says beside the vitals. */
export type Words = Omit<Heartbeat, "v" | "epoch" | "backlog" | "freeDiskBytes" | "lanes" | "lanesCut" | "streams">;

/** A heartbeat as text; lanes are left out, those without a backlog first, until it fits. */
export function makeBeat(words: Words, vitals: Vitals, hours: LaneHours): string {
  const lanes = vitals.lanes.toSorted((a, b) => Number(b.held > 0) - Number(a.held > 0));
  for (let most: number = heartbeatBounds.lanes; ; most = Math.floor(most / 2)) {
    const told = lanes.slice(0, most).map((lane) => laneOf(lane, hours));
    const beat: Heartbeat = {
      v: 1,
      ...words,
      epoch: vitals.epoch,
      backlog: vitals.backlog,
      ...(vitals.freeDiskBytes === undefined ? {} : { freeDiskBytes: vitals.freeDiskBytes }),
      lanes: told,
      lanesCut: lanes.length - told.length,
      streams: streamsOf(vitals),
    };
    const text = JSON.stringify(beat);
    if (Buffer.byteLength(text) <= heartbeatBounds.bytes || most === 0) return text;
  }
}

function laneOf({ lane, assigned, oldest, held, shed, dead, began }: LaneVitals, hours: LaneHours): HeartbeatLane {
  const { stream, epoch, number, group } = lane;
  const of = held > 0 ? hours.since(lane, oldest.from) : [];
  return {
    stream,
    epoch,
    lane: number,
    to: group.slice(0, heartbeatBounds.textBytes),
    assigned,
    unsentFrom: oldest.from,
    held,
    shed,
    dead,
    ...(began > 0 ? { began } : {}),
    ...(oldest.timeMs === undefined ? {} : { unsentMs: oldest.timeMs }),
    ...(of.length === 0 ? {} : { hours: of }),
  };
}

function streamsOf({ counts }: Vitals): Heartbeat["streams"] {
  return [...counts]
    .map(([stream, counters]) => ({
      stream,
      counts: Object.entries(counters)
        .filter(([, amount]) => amount > 0)
        .slice(0, heartbeatBounds.counts),
    }))
    .filter((each) => each.counts.length > 0)
    .slice(0, heartbeatBounds.streams);
}
