/** What an append touches: the lanes, vehicles' streams and accounts that its records name. Filled in from the store. */
import type { LaneIdentity, ShedReason } from "../../shared/identity/identity.ts";
import type { StateKey } from "./last-state.ts";
import type { Range } from "./ranges.ts";

/** An event on its way to the store. `lane` is the store's key: 0 without identity, or while the lane is new. */
export interface PlannedEvent extends StateKey {
  lane: number;
  readonly value: Buffer | null;
  readonly series: SeriesEntry;
  /** Undefined: a record without an identity. */
  readonly origin: LaneEntry | undefined;
  /** Kafka's time. */
  readonly kafkaMs: number;
  /** What is known of who sent it, in words. */
  readonly sender: string;
}

/** Numbers that the edge says were shed; `after`: so many events of the lane stood before it. */
export interface Marker {
  readonly after: number;
  readonly offset: number;
  readonly first: number;
  readonly last: number;
  readonly reason: ShedReason;
  /** Event time of what was shed, as the edge knew it. */
  readonly timeMs: number;
}

/** What the store knows of a lane. */
export interface StoredLane {
  readonly id: number;
  /** The lowest number that came or was shed. */
  readonly firstSeq: number;
  readonly nextSeq: number;
  /** Who sent the numbers that it took last, in words. */
  readonly sender: string;
  /** Every range that overlaps or touches one of the entry's spans, ascending. */
  readonly ranges: readonly Range[];
}

/** A lane that records of this append name. */
export class LaneEntry {
  /** Set by the store; undefined: it does not know the lane. */
  stored: StoredLane | undefined;
  readonly events: PlannedEvent[] = [];
  readonly markers: Marker[] = [];
  /** First and last number, alternating, of what was named; in the order of arrival. */
  readonly spans: number[] = [];
  /** By the bytes of the key. */
  readonly seriesByKey = new Map<string, SeriesEntry>();

  constructor(
    readonly identity: LaneIdentity,
    readonly account: AccountEntry,
    /** Which vehicles its agent may name; undefined: all. */
    readonly mayName?: (vehicle: string) => boolean,
  ) {}

  named(first: number, last: number): void {
    const { spans } = this;
    const end = spans.length - 1;
    if (end > 0 && spans[end] === first - 1) spans[end] = last;
    else spans.push(first, last);
  }
}

/** A record whose number was received already. */
export interface Doubt {
  readonly lane: LaneEntry;
  readonly event: PlannedEvent;
  /** Who had sent what the lane took before it, in words. */
  readonly heldBy: string;
}

/** What the store knows of a vehicle's stream. */
export interface StoredSeries {
  readonly id: number;
  /** It was lost with its count, and made anew by records that were put back. */
  readonly anew: boolean;
  /** Undefined: nothing was stored in it yet. */
  readonly last: (StateKey & { readonly storedAtMs: number }) | undefined;
}

/** A vehicle's stream that records of this append name. */
export class SeriesEntry {
  /** Set by the store; undefined: it does not know the series. */
  stored: StoredSeries | undefined;
  /** What is to be stored in it, in the order of arrival. */
  readonly events: PlannedEvent[] = [];
  /** The event that becomes the last state. */
  last: PlannedEvent | undefined;
  /** Set by the store: the vehicle was erased, and nothing of it is stored again. */
  suppressed = false;
  /** Of the events, those that came before, and are put back. */
  restored = 0;

  /** How many of the events its count grows by: what is put back was counted, unless the count was lost with it. */
  get counted(): number {
    return this.stored === undefined || this.stored.anew ? this.events.length : this.events.length - this.restored;
  }

  constructor(
    readonly vehicle: string,
    readonly stream: string,
  ) {}
}

/** What the store knows of an account. */
export interface StoredAccount {
  readonly lanes: number;
  readonly series: number;
  /** Days since 1970 to which `bytes` belong. */
  readonly day: number;
  readonly bytes: number;
  readonly quarantined: boolean;
}

/** Whose quota is used: an agent, or the records without an identity of one topic. */
export class AccountEntry {
  /** Set by the store; undefined: it does not know the account. */
  stored: StoredAccount | undefined;
  /** Lanes of it that records of this append name. */
  lanesNamed = 0;
  /** Counted while the append is planned. */
  lanes = 0;
  series = 0;
  bytes = 0;

  constructor(readonly name: string) {}
}
