/**
 * The book of one lane, from the ledger and from what its agent says:
 *
 *     0 … first … next … unsent … assigned
 *         │       │      │        └ numbers that the agent has given
 *         │       │      └ from here on in the vehicle
 *         │       └ from here on nothing has come: up to `unsent` it is on the way
 *         └ the first number that came: what lies before it was perhaps never sent here
 *
 *     assigned = beforeFirst + stored + inVehicle + onTheWay + shed + dead + missing + difference
 *
 * `difference` is what cannot be explained: numbers that the agent's destination has acknowledged and that have not come
 * for a long while, or (less than 0) numbers that came and that no agent has given.
 */
import { bounds } from "../ledger/limits.ts";
import type { LaneBeat } from "./presence.ts";

/** What the ledger knows of a lane. */
export interface LedgerLane {
  readonly beforeFirst: number;
  readonly nextSeq: number;
  readonly received: number;
  /** By markers: dropped by policy. */
  readonly shed: number;
  /** By markers: dead or damaged; and what stores of earlier versions call dead. */
  readonly dead: number;
  readonly missing: number;
  readonly updatedAtMs: number;
}

/** Where every number of a lane is. */
export interface LaneBook {
  readonly assigned: number;
  readonly beforeFirst: number;
  readonly stored: number;
  readonly inVehicle: number;
  readonly onTheWay: number;
  readonly shed: number;
  readonly dead: number;
  readonly missing: number;
  readonly difference: number;
  /** Why there is a difference, in words. */
  readonly why: string | undefined;
  readonly sinceMs: number | undefined;
}

/** A lane that the ledger does not know. */
export const unknownLane: LedgerLane = {
  beforeFirst: 0,
  nextSeq: 0,
  received: 0,
  shed: 0,
  dead: 0,
  missing: 0,
  updatedAtMs: 0,
};

/** `patienceMs`: how long what was acknowledged may take to be stored. */
export function bookOf(ledger: LedgerLane, beat: LaneBeat | undefined, nowMs: number, patienceMs: number): LaneBook {
  const { beforeFirst, nextSeq, received, shed, dead, missing } = ledger;
  const own = { beforeFirst, stored: received, shed, dead, missing };
  const none = { inVehicle: 0, onTheWay: 0, difference: 0, why: undefined, sinceMs: undefined };
  if (beat === undefined) return { ...own, ...none, assigned: nextSeq };
  const claimed = Math.min(beat.assigned, nextSeq + bounds.jump);
  const unsentFrom = Math.min(beat.unsentFrom, claimed);
  const assigned = Math.max(claimed, nextSeq);
  const inVehicle = Math.max(0, claimed - Math.max(nextSeq, unsentFrom));
  const sent = Math.max(0, unsentFrom - nextSeq);
  if (claimed < beat.assigned) {
    const why = `its agent claims more than ${bounds.jump} numbers that nobody has seen`;
    return { ...own, ...none, assigned, inVehicle, difference: sent, why, sinceMs: beat.sentMs };
  }
  if (sent > 0 && nowMs - beat.sentMs > patienceMs) {
    const why = "acknowledged by its destination, and not here";
    return { ...own, ...none, assigned, inVehicle, difference: sent, why, sinceMs: beat.sentMs };
  }
  if (nextSeq > beat.assigned && beat.heardMs - ledger.updatedAtMs > patienceMs) {
    const why = "stored, and its agent has not given these numbers";
    const difference = beat.assigned - nextSeq;
    return { ...own, ...none, assigned: beat.assigned, difference, why, sinceMs: ledger.updatedAtMs };
  }
  return { ...own, ...none, assigned, inVehicle, onTheWay: sent };
}
