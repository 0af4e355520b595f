/** How an agent stands, and which one needs somebody first. */
import { beatsMissed, type Presence } from "./presence.ts";

/**
 * `silent`: three heartbeats are missing. `stopped`: it said goodbye. `unheard`: known from its records alone.
 * Whoever has not read the heartbeats to their end calls nobody silent.
 */
export type FleetState = "online" | "silent" | "stopped" | "unheard";

/** An agent, as far as its place in the list depends on it. */
export interface Standing {
  readonly agent: string;
  readonly state: FleetState;
  readonly presence: Presence | undefined;
  readonly oldestUnsentMs: number | undefined;
}

/** An agent of the list. */
export interface FleetAgent extends Standing {
  readonly repeated: number;
  readonly updatedAtMs: number | undefined;
  readonly book: Readonly<Record<"stored" | "inVehicle" | "onTheWay" | "shed" | "dead" | "missing", number>>;
}

/** Less than that is one retry of a broker, and no silence. */
const silentMsMin = 1_000;

/** `current`: the heartbeats are read to their end. */
export function stateOf(presence: Presence | undefined, nowMs: number, current: boolean): FleetState {
  if (presence === undefined) return "unheard";
  if (presence.stopping) return "stopped";
  return current && nowMs - presence.heardMs > silentAfterMs(presence) ? "silent" : "online";
}

/** After so long without a heartbeat it is silent. */
export function silentAfterMs({ everyMs }: Presence): number {
  return Math.max(silentMsMin, everyMs * (beatsMissed + 0.5));
}

/** Where an agent stands in the list. */
export type ListPlace = readonly [rank: number, ageMs: number, agent: string];

/**
 * The silent ones, the longest first; those that were stopped; those with a backlog, the oldest first; those of whom
 * nothing is heard; the others. Within these by name.
 */
export function placeOf({ state, presence, oldestUnsentMs, agent }: Standing): ListPlace {
  switch (state) {
    case "silent":
      return [0, presence?.heardMs ?? 0, agent];
    case "stopped":
      return [1, presence?.heardMs ?? 0, agent];
    case "online":
      return oldestUnsentMs === undefined ? [4, 0, agent] : [2, oldestUnsentMs, agent];
    case "unheard":
      return [3, 0, agent];
  }
}

/** Less than 0: `a` comes first. */
export function comparePlaces(a: ListPlace, b: ListPlace): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  if (a[1] !== b[1]) return a[1] - b[1];
  return a[2] < b[2] ? -1 : Number(a[2] > b[2]);
}
