import type Database from "better-sqlite3";
import type { Doubt, PlannedEvent } from "../../../ledger/entries.ts";
import { compareEvents, type StoredEvent, unpackChunk } from "./chunk-codec.ts";
import { hourMs } from "./writer.ts";

const unpackedMax = 8;
/** Up to so many of a series and hour are looked up one by one. */
const fewMax = 8;

type Found = (Buffer | null | undefined)[];

/** A doubt, and where its answer goes. */
interface Sought {
  readonly index: number;
  readonly series: number;
  readonly lane: number;
  readonly time: number;
  readonly seq: number;
}

/**
 * Finds stored events by their identity, to compare them with repeats. No index of its own: an honest repeat has the
 * same vehicle, stream and event time, and by these the events are laid out. Unpacked chunks are kept for a while,
 * because repeats come in runs.
 *
 * A few are looked up one by one. Many of one series and hour are looked for in one pass over what lies between the first and the
 * last: whoever sends 25,000 events of one moment, twice, must not have each compared with all others.
 */
export class FindEvent {
  private readonly unpacked = new Map<number, StoredEvent[]>();
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      recent: database.prepare<[number, number, number, number], { value: Buffer | null }>(
        "select value from recent where series = ? and time = ? and lane = ? and seq = ?",
      ),
      recentBetween: database.prepare<
        [number, number, number],
        { time: number; lane: number; seq: number; value: Buffer | null }
      >("select time, lane, seq, value from recent where series = ? and time between ? and ?"),
      recentAt: database
        .prepare<[number, number, number, number], number>(
          "select 1 from recent where series = ? and time = ? and source = ? and offset = ?",
        )
        .pluck(),
      chunks: database
        .prepare<[number, number, number, number], number>(
          "select id from chunk where series = ? and hour = ? and first_time <= ? and last_time >= ?",
        )
        .pluck(),
      body: database.prepare<[number], Buffer>("select body from chunk where id = ?").pluck(),
    };
  }

  /** The stored value of each doubt: null when it was stored as null, undefined when there is no such event. */
  values(doubts: readonly Doubt[]): readonly (Buffer | null | undefined)[] {
    const found: Found = new Array(doubts.length).fill(undefined);
    const order = doubts.map((doubt, index) => ({ ...doubt, index, series: doubt.event.series.stored?.id ?? 0 }));
    // In the order in which events are laid out, so that each chunk is unpacked once however many it answers for.
    order.sort((a, b) => a.series - b.series || compareEvents(a.event, b.event));
    let run: Sought[] = [];
    for (const { index, series, event, lane } of order) {
      const { time, seq } = event;
      const first = run[0];
      if (first !== undefined && (first.series !== series || hourOf(first.time) !== hourOf(time))) {
        this.run(run, found);
        run = [];
      }
      run.push({ index, series, lane: lane.stored?.id ?? 0, time, seq });
    }
    this.run(run, found);
    this.unpacked.clear(); // chunk ids may be given anew
    return found;
  }

  /** Whether there is an event of this series and time from this place in a topic: of records without an identity. */
  hasAt({ series: { stored }, time, source, offset }: PlannedEvent): boolean {
    if (stored === undefined) return false;
    if (this.sql.recentAt.get(stored.id, time, source, offset) !== undefined) return true;
    return this.sql.chunks.all(stored.id, hourOf(time), time, time).some((id) => {
      const events = this.events(id);
      for (let index = firstAt(events, time); events[index]?.time === time; index++) {
        if (events[index]?.source === source && events[index]?.offset === offset) return true;
      }
      return false;
    });
  }

  /** All of one series and hour, ascending by time. */
  private run(run: readonly Sought[], found: Found): void {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return;
    if (run.length <= fewMax) {
      for (const { index, series, time, lane, seq } of run) found[index] = this.value(series, time, lane, seq);
      return;
    }
    const { series, time: from } = first;
    const { time: to } = last;
    const wanted = new Map<string, number[]>();
    for (const { index, ...sought } of run) {
      const key = keyOf(sought);
      const indexes = wanted.get(key);
      if (indexes === undefined) wanted.set(key, [index]);
      else indexes.push(index);
    }
    const take = (event: Pick<StoredEvent, "time" | "lane" | "seq" | "value">) => {
      for (const index of wanted.get(keyOf(event)) ?? []) found[index] = event.value;
    };
    for (const id of this.sql.chunks.all(series, hourOf(from), to, from)) {
      const events = this.events(id);
      for (let at = firstAt(events, from); at < events.length; at++) {
        const event = events[at];
        if (event === undefined || event.time > to) break;
        take(event);
      }
    }
    for (const row of this.sql.recentBetween.iterate(series, from, to)) take(row);
  }

  private value(series: number, time: number, lane: number, seq: number): Buffer | null | undefined {
    const row = this.sql.recent.get(series, time, lane, seq);
    if (row !== undefined) return row.value;
    for (const id of this.sql.chunks.all(series, hourOf(time), time, time)) {
      const events = this.events(id);
      for (let index = firstAt(events, time); events[index]?.time === time; index++) {
        const event = events[index];
        if (event?.lane === lane && event.seq === seq) return event.value;
      }
    }
    return undefined;
  }

  private events(id: number): StoredEvent[] {
    let events = this.unpacked.get(id);
    if (events === undefined) {
      const body = this.sql.body.get(id);
      events = body === undefined ? [] : unpackChunk(body);
      const [oldest] = this.unpacked.keys();
      if (this.unpacked.size >= unpackedMax && oldest !== undefined) this.unpacked.delete(oldest);
      this.unpacked.set(id, events);
    }
    return events;
  }
}

function hourOf(time: number): number {
  return Math.floor(time / hourMs);
}

function keyOf({ time, lane, seq }: { readonly time: number; readonly lane: number; readonly seq: number }): string {
  return `${time}/${lane}/${seq}`;
}

/** Index of the first event at `time` or later, by halving. */
function firstAt(events: readonly StoredEvent[], time: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.time ?? time) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
