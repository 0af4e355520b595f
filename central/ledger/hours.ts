/**
 * What came of a lane in each hour of event time: counted while an append is planned, added up by the store. So that
 * "what is missing of Tuesday, three o'clock" has an answer: the ledger knows numbers, and no times.
 */
import type { ShedReason } from "../../shared/identity/identity.ts";

/** Hours are counted from 1970 in these. */
export const hourMs = 3_600_000;

/** Times further off than that are no hour of the fleet's: a clock of 1970 or 2099, or a log that was found. */
const hoursBack = 62 * 24;
const hoursAhead = 24;
/** Where such numbers are counted: they are in no cell, and not forgotten. */
export const noHour = 0;

/** One hour of a lane. */
export interface HourTally {
  /** Hours since 1970, of event time as the edge knew it. */
  readonly hour: number;
  stored: number;
  /** Of these: stored later than a bound after their event time. */
  late: number;
  repeated: number;
  /** Policy dropped them: overflow, ttl, oversized. */
  shed: number;
  /** The edge could not deliver them, or not read them any more: dead, damaged. */
  dead: number;
  /** The lowest and the highest number of it. */
  firstSeq: number;
  lastSeq: number;
}

/** Whether a marker's reason means that the record can never be delivered, and not that policy dropped it. */
export function isDead(reason: ShedReason): boolean {
  return reason === "dead" || reason === "damaged";
}

/** The hours of one lane in one append. */
export class LaneHours {
  private readonly byHour = new Map<number, HourTally>();
  private current: HourTally | undefined;
  private readonly lowest: number;
  private readonly highest: number;

  constructor(
    private readonly nowMs: number,
    private readonly lateAfterMs: number,
  ) {
    const hour = Math.floor(nowMs / hourMs);
    this.lowest = hour - hoursBack;
    this.highest = hour + hoursAhead;
  }

  /** A new event. */
  stored(timeMs: number, seq: number): void {
    const tally = this.at(timeMs);
    tally.stored++;
    if (this.nowMs - timeMs > this.lateAfterMs) tally.late++;
    if (seq < tally.firstSeq) tally.firstSeq = seq;
    if (seq > tally.lastSeq) tally.lastSeq = seq;
  }

  repeated(timeMs: number): void {
    this.at(timeMs).repeated++;
  }

  /** A marker for `count` numbers that nothing was known of. */
  shed(
    { first, last, reason, timeMs }: { first: number; last: number; reason: ShedReason; timeMs: number },
    count: number,
  ): void {
    const tally = this.at(timeMs);
    if (isDead(reason)) tally.dead += count;
    else tally.shed += count;
    if (first < tally.firstSeq) tally.firstSeq = first;
    if (last > tally.lastSeq) tally.lastSeq = last;
  }

  all(): Iterable<HourTally> {
    return this.byHour.values();
  }

  private at(timeMs: number): HourTally {
    const { current } = this;
    const own = Math.floor(timeMs / hourMs);
    const hour = own < this.lowest || own > this.highest ? noHour : own;
    if (current?.hour === hour) return current;
    let tally = this.byHour.get(hour);
    if (tally === undefined) {
      const none = { firstSeq: Number.MAX_SAFE_INTEGER, lastSeq: -1 };
      tally = { hour, stored: 0, late: 0, repeated: 0, shed: 0, dead: 0, ...none };
      this.byHour.set(hour, tally);
    }
    this.current = tally;
    return tally;
  }
}
