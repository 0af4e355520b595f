/** Records that are read for another time than the first: what differs then, and what this very append has put back. */
import type { Doubt, LaneEntry, PlannedEvent } from "./entries.ts";

/**
 * Why the records are read. `live`: for the first time. `replayed`: the store's position is past them, so what it has no
 * event of was lost and is put back. `redriven`: they were put aside, and are tried again.
 */
export type Reading = "live" | "replayed" | "redriven";

/** What a store found of the doubts of an append, in their order. */
export interface DoubtsFound {
  /** The stored value, null for none; undefined when there is no such event. */
  readonly values: readonly (Buffer | null | undefined)[];
  /** Of records that are read again: it is in the conflicts already. */
  readonly isConflict?: (doubt: Doubt) => boolean;
  /** Of records without an identity that are read again: whether the store has the event. */
  readonly foreign?: readonly boolean[];
}

/** What holds a number that another record claims. */
export type Holder =
  | { readonly kind: "event"; readonly value: Buffer | null }
  /** Another vehicle, stream or time. */
  | { readonly kind: "other" }
  /** The store has no event under its own vehicle, stream and time. */
  | { readonly kind: "none" };

/** Events of this append by number: those that it takes, or those that it puts back. */
export class EventsByNumber {
  private readonly lanes = new Map<LaneEntry, Map<number, PlannedEvent>>();

  add(lane: LaneEntry, event: PlannedEvent): void {
    const ofLane = this.lanes.get(lane) ?? new Map<number, PlannedEvent>();
    this.lanes.set(lane, ofLane.set(event.seq, event));
  }

  holder({ lane, event }: Doubt): Holder {
    const first = this.lanes.get(lane)?.get(event.seq);
    if (first === undefined) return { kind: "none" };
    const same = first.series === event.series && first.time === event.time;
    return same ? { kind: "event", value: first.value } : { kind: "other" };
  }

  has(lane: LaneEntry): boolean {
    return this.lanes.has(lane);
  }
}

/** What a store's look-up says. */
export function holderOf(value: Buffer | null | undefined): Holder {
  return value === undefined ? { kind: "none" } : { kind: "event", value };
}
