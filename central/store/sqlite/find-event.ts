import type Database from "better-sqlite3";
import type { Doubt } from "../../ledger/plan.ts";
import { compareEvents, type StoredEvent, unpackChunk } from "./chunk-codec.ts";
import { hourMs } from "./event-writer.ts";

const unpackedMax = 8;

/**
 * Finds one stored event by its identity, to compare it with a repeat. No index of its own: an honest repeat has the
 * same vehicle, stream and event time, and by these the events are laid out. Unpacked chunks are kept for a while,
 * because repeats come in runs.
 */
export class FindEvent {
  private readonly unpacked = new Map<number, StoredEvent[]>();
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      recent: database.prepare<[number, number, number, number], { value: Buffer | null }>(
        "select value from recent where series = ? and time = ? and lane = ? and seq = ?",
      ),
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
    const found: (Buffer | null | undefined)[] = new Array(doubts.length).fill(undefined);
    const order = doubts.map((doubt, index) => ({ ...doubt, index, series: doubt.event.series.stored?.id ?? 0 }));
    // In the order in which events are laid out, so that each chunk is unpacked once however many it answers for.
    order.sort((a, b) => a.series - b.series || compareEvents(a.event, b.event));
    for (const { index, series, event, lane } of order) {
      found[index] = this.value(series, event.time, lane.stored?.id ?? 0, event.seq);
    }
    this.unpacked.clear(); // chunk ids may be given anew
    return found;
  }

  private value(series: number, time: number, lane: number, seq: number): Buffer | null | undefined {
    const row = this.sql.recent.get(series, time, lane, seq);
    if (row !== undefined) return row.value;
    for (const id of this.sql.chunks.all(series, Math.floor(time / hourMs), time, time)) {
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
