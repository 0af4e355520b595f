/**
 * What became of the numbers of a stream in each hour. Events tell their hour themselves; numbers that did not come have
 * none, so they are given one:
 *
 *     missing, on the way     the hour of the last number before it whose hour is known
 *     in the vehicle          the hour in which its agent gave it (LaneBeat.hours), else that of the oldest one
 *
 * Hours are of event time, as the edge knew it.
 */
import { type HourTally, hourMs } from "../ledger/hours.ts";
import type { LaneBeat } from "./presence.ts";

/** Numbers, both inclusive. */
export interface Numbers {
  readonly first: number;
  readonly last: number;
}

/** What is known of a lane, as far as some hours need it. */
export interface LaneFacts {
  readonly agent: string;
  readonly stream: string;
  readonly nextSeq: number;
  readonly beat: LaneBeat | undefined;
  /** Ascending: those of the hours that are asked for, and the first one after them. */
  readonly hours: readonly HourTally[];
  /** Holes, from the first number of those hours on. */
  readonly missing: readonly Numbers[];
  /** There are more holes than were looked at. */
  readonly cut: boolean;
}

/** One hour of an agent's stream. `expected` is the sum of all that follow but `late` and `repeated`. */
export interface HourCell {
  readonly agent: string;
  readonly stream: string;
  readonly hour: number;
  readonly expected: number;
  readonly stored: number;
  readonly inVehicle: number;
  readonly onTheWay: number;
  readonly shed: number;
  readonly dead: number;
  readonly missing: number;
  readonly late: number;
  readonly repeated: number;
}

type Sums = { -readonly [Key in Exclude<keyof HourCell, "agent" | "stream" | "hour" | "expected">]: HourCell[Key] };

/** The hours from `from` on, below `to`. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

/** Cells of one stream of one agent, by hour; of hours in which anything was, or should have been. */
export function cellsOf(agent: string, stream: string, lanes: readonly LaneFacts[], { from, to }: Hours): HourCell[] {
  const byHour = new Map<number, Sums>();
  const at = (hour: number): Sums | undefined => {
    if (hour < from || hour >= to) return undefined;
    let sums = byHour.get(hour);
    if (sums === undefined) {
      sums = { stored: 0, inVehicle: 0, onTheWay: 0, shed: 0, dead: 0, missing: 0, late: 0, repeated: 0 };
      byHour.set(hour, sums);
    }
    return sums;
  };
  for (const lane of lanes) addLane(lane, at);
  return [...byHour]
    .toSorted(([a], [b]) => a - b)
    .map(([hour, sums]) => {
      const { stored, inVehicle, onTheWay, shed, dead, missing } = sums;
      const expected = stored + inVehicle + onTheWay + shed + dead + missing;
      return { agent, stream, hour, expected, ...sums };
    });
}

function addLane({ hours, missing, nextSeq, beat }: LaneFacts, at: (hour: number) => Sums | undefined): void {
  for (const { hour, stored, late, repeated, shed, dead } of hours) {
    const sums = at(hour);
    if (sums === undefined) continue;
    sums.stored += stored;
    sums.late += late;
    sums.repeated += repeated;
    sums.shed += shed;
    sums.dead += dead;
  }
  const points = pointsOf(hours);
  for (const { first, last } of missing) {
    const sums = at(hourBefore(points, first) ?? Number.NaN);
    if (sums !== undefined) sums.missing += last - first + 1;
  }
  if (beat === undefined) return;
  const told = beat.hours.map(([hour, seq]) => ({ seq, hour }));
  const all = [...points, ...told].toSorted((a, b) => a.seq - b.seq || a.hour - b.hour);
  // Before all that is known: with the first that is, or when the agent was heard.
  const standard = Math.floor((beat.unsentMs ?? beat.heardMs) / hourMs);
  const first = all[0]?.hour ?? standard;
  const unsentFrom = Math.max(nextSeq, beat.unsentFrom);
  for (const { first: from, last, hour } of divided(all, { first: nextSeq, last: unsentFrom - 1 })) {
    const sums = at(hour ?? first);
    if (sums !== undefined) sums.onTheWay += last - from + 1;
  }
  const held = told.length === 0 && beat.unsentMs !== undefined ? [{ seq: unsentFrom, hour: standard }] : all;
  for (const { first: from, last, hour } of divided(held, { first: unsentFrom, last: beat.assigned - 1 })) {
    const sums = at(hour ?? standard);
    if (sums !== undefined) sums.inVehicle += last - from + 1;
  }
}

interface Point {
  readonly seq: number;
  readonly hour: number;
}

function pointsOf(hours: readonly HourTally[]): Point[] {
  return hours
    .filter(({ lastSeq }) => lastSeq >= 0)
    .flatMap(({ hour, firstSeq, lastSeq }) => [
      { seq: firstSeq, hour },
      { seq: lastSeq, hour },
    ])
    .toSorted((a, b) => a.seq - b.seq || a.hour - b.hour);
}

/** The hour of the last point at or below a number. */
function hourBefore(points: readonly Point[], seq: number): number | undefined {
  return points[indexBefore(points, seq)]?.hour;
}

function indexBefore(points: readonly Point[], seq: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.seq ?? seq) <= seq) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Cut at the points that lie in it. */
function* divided(
  points: readonly Point[],
  { first, last }: Numbers,
): Iterable<Numbers & { hour: number | undefined }> {
  let from = first;
  for (let index = indexBefore(points, first); from <= last; index++) {
    const hour = points[index]?.hour;
    const next = points[index + 1]?.seq ?? Number.POSITIVE_INFINITY;
    if (next <= from) continue;
    const end = Math.min(last, next - 1);
    yield { first: from, last: end, hour };
    from = end + 1;
  }
}
