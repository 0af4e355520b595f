/** The readers' door of the store. Every call sees one consistent state; none of them waits for the writer. */

import type { LaneIdentity } from "../../shared/identity/identity.ts";
import type { FleetReader } from "./fleet-port.ts";
import type { DeadLetterChoice, DeadLetterCount, PutAsideLetter, RedriveReader } from "./redrive-port.ts";
import type { ReplayReader } from "./replay-port.ts";
import type { RulesReader } from "./rules-port.ts";

/** A vehicle's stream and the latest event in it. */
export interface LastState {
  readonly stream: string;
  readonly events: number;
  readonly timeMs: number;
  readonly storedAtMs: number;
  /** Its time was ahead of central's clock when it was stored: one of the two clocks is wrong. */
  readonly clockAhead: boolean;
  /** Its first bytes, as many as were asked for. */
  readonly value: Buffer | null;
  /** All of its bytes. */
  readonly valueSize: number;
  /** Who sent it; undefined: it had no identity. */
  readonly agent: string | undefined;
}

/** A vehicle and the last state of each of its streams. */
export interface VehicleState {
  readonly vehicle: string;
  readonly streams: readonly LastState[];
  /** It has more streams than the bounds allow. */
  readonly streamsCut: boolean;
}

/** How much of the states is read at once. */
export interface StateBounds {
  /** Of each value. */
  readonly valueBytesMax: number;
  /** Of all of them: reading ends with the row that passes it, and one more that shows whether there are others. */
  readonly bytesMax: number;
}

/** What orders events and goes on from one page to the next. */
export interface EventPosition {
  readonly time: number;
  readonly source: number;
  readonly offset: number;
}

/** Which events of a vehicle, in which order, and how many of them. */
export interface EventQuery {
  readonly vehicle: string;
  /** All of the vehicle's when not given. */
  readonly stream: string | undefined;
  /** Inclusive, milliseconds since 1970. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly order: "asc" | "desc";
  /** The last event of the page before. */
  readonly after: EventPosition | undefined;
  readonly limit: number;
  /** Bytes of values a page: the event that passes it is the last one. */
  readonly bytesMax?: number;
}

/** An event as it is handed out. `seq` means nothing without a lane. */
export interface EventRow {
  readonly position: EventPosition;
  readonly stream: string;
  readonly topic: string;
  readonly partition: number;
  /** Undefined: the record carried none. */
  readonly lane: LaneIdentity | undefined;
  readonly seq: number;
  readonly value: Buffer | null;
}

/** Events in order; `more`: there are others after the last one. */
export interface EventPage {
  readonly events: readonly EventRow[];
  readonly more: boolean;
}

/** The books of one lane. */
export interface LaneRow extends LaneIdentity {
  readonly id: number;
  /** Numbers before the first that came: perhaps never sent here, so they are no holes. */
  readonly beforeFirst: number;
  readonly nextSeq: number;
  readonly received: number;
  readonly shed: number;
  readonly dead: number;
  readonly repeated: number;
  readonly conflicts: number;
  readonly missing: number;
  readonly lastTimeMs: number | undefined;
  readonly updatedAtMs: number;
}

/** Which lanes of the ledger, in the order of their ids. */
export interface LaneQuery {
  readonly agent: string | undefined;
  readonly stream: string | undefined;
  readonly afterId: number;
  readonly limit: number;
}

/** Which lanes, and of each at most `rangesMax` ranges from the number `fromSeq` on. */
export interface BooksQuery extends LaneQuery {
  readonly fromSeq: number;
  readonly rangesMax: number;
}

/** A range of a lane's numbers; `missing` ranges are what lies between the rows, `before-first` what lies before them. */
export interface LaneRange {
  readonly first: number;
  readonly last: number;
  readonly kind: "received" | "shed" | "dead" | "missing" | "before-first";
  readonly reason: string | undefined;
}

/** Sums over the whole store. */
export interface Totals {
  readonly stored: number;
  readonly withoutIdentity: number;
  readonly missing: number;
  /** Of all lanes, the numbers before the first that came. */
  readonly beforeFirst: number;
  readonly repeated: number;
  readonly conflicts: number;
  readonly shed: number;
  readonly deadLettered: number;
  readonly gaps: number;
  readonly vehicles: number;
}

/** How far the present incarnation of a partition is stored. */
export interface PositionRow {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  readonly next: number;
  readonly stored: number;
  readonly updatedAtMs: number;
}

/** A dead letter as it is shown. */
export interface DeadLetterRow extends PutAsideLetter {
  readonly atMs: number;
}

/** An alert: offsets that nobody will read any more. */
export interface GapRow {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly kind: string;
  readonly firstOffset: number;
  readonly lastOffset: number | undefined;
  readonly atMs: number;
}

/** An alert: a record under an identity that was stored with other bytes. */
export interface ConflictRow extends LaneIdentity {
  readonly id: number;
  readonly seq: number;
  readonly vehicle: string;
  readonly timeMs: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: Buffer | null;
  /** What is known of who sent it, in words. */
  readonly sender: string;
  /** Who had sent what the lane took before it: topic and partition, and the same words. */
  readonly heldBy: string;
  readonly atMs: number;
}

/** A page of rows that are only ever added: goes on behind an id. */
export interface IdPage {
  readonly afterId: number;
  readonly limit: number;
  /** Bytes of rows: reading ends with the row that passes it, and one more that shows whether there are others. */
  readonly bytesMax?: number;
}

/** A page of dead letters, of those that are chosen. */
export interface DeadLetterPage extends IdPage, DeadLetterChoice {}

/** @throws AppError `CENTRAL_STORE_UNAVAILABLE` from every method when the store cannot be read. */
export interface StoreReader {
  /** Alerts; undefined: this kind of store keeps none. */
  readonly rules?: RulesReader | undefined;
  /** Presence, hours and outages; undefined: this store keeps none. */
  readonly fleet?: FleetReader | undefined;
  totals(): Promise<Totals>;
  /** In the order of names, behind `after`. */
  vehicles(after: string, limit: number, bounds?: StateBounds): Promise<readonly VehicleState[]>;
  vehicle(name: string, bounds?: StateBounds): Promise<VehicleState | undefined>;
  events(query: EventQuery): Promise<EventPage>;
  lanes(query: LaneQuery): Promise<readonly LaneRow[]>;
  /** At most `limit` ranges of a lane from `fromSeq` on, holes among them. */
  ranges(lane: LaneRow, fromSeq: number, limit: number): Promise<readonly LaneRange[]>;
  /** Lanes and their ranges in one state of the store, so that they add up. `take` is given one after the other, and ends it with false. */
  books(query: BooksQuery, take: (lane: LaneRow, ranges: readonly LaneRange[]) => boolean): Promise<void>;
  positions(): Promise<readonly PositionRow[]>;
  /** Agents that are in quarantine, in the order of names. */
  quarantined(): Promise<readonly string[]>;
  deadLetters(page: DeadLetterPage): Promise<readonly DeadLetterRow[]>;
  countDeadLetters(choice: DeadLetterChoice): Promise<DeadLetterCount>;
  gaps(page: IdPage): Promise<readonly GapRow[]>;
  conflicts(page: IdPage): Promise<readonly ConflictRow[]>;
  /** Jobs and erased vehicles, where the store has them. */
  readonly replays?: ReplayReader;
  /** Jobs that try dead letters again, where the store has them. */
  readonly redrives?: RedriveReader;
  close(): Promise<void>;
}
