/**
 * Events of one series in order, read lazily: rows of `recent` and, hour by hour, chunks that are unpacked only when
 * their turn comes. All within the caller's read transaction, so that a fold in between changes nothing.
 */
import type Database from "better-sqlite3";
import { compareEvents, type EventKey, type StoredEvent, unpackChunk } from "./chunk-codec.ts";
import { hourMs } from "./writer.ts";

/** What part of a series is asked for. */
export interface ScanRange {
  /** Inclusive. */
  readonly fromMs: number;
  /** Inclusive. */
  readonly lastMs: number;
  readonly order: "asc" | "desc";
  readonly after: EventKey | undefined;
}

/** Rows of `recent` that are read at once. */
const blockRows = 256;

/** Values longer than this are read when their event's turn comes: a block of them would not fit into memory. */
const inlineBytesMax = 2_048;

type RecentRow = StoredEvent & { readonly id: number; readonly apart: number };

interface ChunkHead {
  readonly id: number;
  readonly first_time: number;
  readonly last_time: number;
}

export class EventScan {
  private readonly sql;

  constructor(database: Database.Database) {
    const recent = (order: "asc" | "desc") =>
      database.prepare<[number, number, number, number, number, number], RecentRow>(
        `select id, time, source, offset, lane, seq, length(value) > ${inlineBytesMax} as apart,
           case when length(value) > ${inlineBytesMax} then null else value end as value
         from recent where series = ? and time between ? and ?
         and (time, source, offset) ${order === "asc" ? ">" : "<"} (?, ?, ?)
         order by time ${order}, source ${order}, offset ${order} limit ${blockRows}`,
      );
    const heads = (order: "asc" | "desc") =>
      database.prepare<[number, number, number, number], ChunkHead>(
        `select id, first_time, last_time from chunk where series = ? and hour = ? and last_time >= ? and first_time <= ?
         order by ${order === "asc" ? "first_time" : "last_time desc"}`,
      );
    this.sql = {
      recent: { asc: recent("asc"), desc: recent("desc") },
      recentValue: database.prepare<[number], Buffer | null>("select value from recent where id = ?").pluck(),
      heads: { asc: heads("asc"), desc: heads("desc") },
      hour: {
        asc: database
          .prepare<[number, number], number | null>("select min(hour) from chunk where series = ? and hour >= ?")
          .pluck(),
        desc: database
          .prepare<[number, number], number | null>("select max(hour) from chunk where series = ? and hour <= ?")
          .pluck(),
      },
      body: database.prepare<[number], Buffer>("select body from chunk where id = ?").pluck(),
    };
  }

  /** Both sources of one series, each in order: the caller merges. */
  sources(series: number, range: ScanRange): Iterator<StoredEvent>[] {
    return [this.recent(series, range), this.chunks(series, range)];
  }

  private *recent(series: number, { fromMs, lastMs, order, after }: ScanRange): Generator<StoredEvent> {
    const edge = order === "asc" ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
    let { time, source, offset } = after ?? { time: edge, source: edge, offset: edge };
    for (;;) {
      const rows = this.sql.recent[order].all(series, fromMs, lastMs, time, source, offset);
      for (const { id, apart, ...event } of rows) {
        yield apart === 1 ? { ...event, value: this.sql.recentValue.get(id) ?? null } : event;
        ({ time, source, offset } = event);
      }
      if (rows.length < blockRows) return;
    }
  }

  private *chunks(series: number, range: ScanRange): Generator<StoredEvent> {
    const { order, after } = range;
    const up = order === "asc";
    const fromMs = up && after !== undefined ? Math.max(range.fromMs, after.time) : range.fromMs;
    const lastMs = !up && after !== undefined ? Math.min(range.lastMs, after.time) : range.lastMs;
    if (fromMs > lastMs) return;
    let hour = this.nextHour(series, order, Math.floor((up ? fromMs : lastMs) / hourMs));
    while (hour !== null && (up ? hour * hourMs <= lastMs : (hour + 1) * hourMs > fromMs)) {
      for (const event of this.hour(this.sql.heads[order].all(series, hour, fromMs, lastMs), up)) {
        if (event.time < fromMs || event.time > lastMs) continue;
        if (after !== undefined && (up ? compareEvents(event, after) <= 0 : compareEvents(event, after) >= 0)) continue;
        yield event;
      }
      hour = this.nextHour(series, order, up ? hour + 1 : hour - 1);
    }
  }

  private nextHour(series: number, order: "asc" | "desc", hour: number): number | null {
    return this.sql.hour[order].get(series, hour) ?? null;
  }

  /** Chunks may overlap (late events): one is unpacked as soon as it could hold the next event. */
  private *hour(heads: readonly ChunkHead[], up: boolean): Generator<StoredEvent> {
    let waiting: StoredEvent[] = [];
    let at = 0;
    let unpacked = 0;
    for (;;) {
      const next = waiting[at];
      const head = heads[unpacked];
      const due =
        head !== undefined && (next === undefined || (up ? head.first_time <= next.time : head.last_time >= next.time));
      if (due) {
        const body = this.sql.body.get(head.id);
        waiting = [...waiting.slice(at), ...(body === undefined ? [] : unpackChunk(body))];
        waiting.sort(up ? compareEvents : (a, b) => compareEvents(b, a));
        at = 0;
        unpacked++;
        continue;
      }
      if (next === undefined) return;
      at++;
      yield next;
    }
  }
}

/** How many events are taken, and of how many bytes of values: the one that passes it is the last. */
export interface MergeBounds {
  readonly limit: number;
  readonly bytesMax: number;
}

/** The first events of several ordered iterators, where each came from, and whether there are more. */
export function mergeEvents<Origin>(
  inputs: readonly { readonly origin: Origin; readonly events: Iterator<StoredEvent> }[],
  order: "asc" | "desc",
  { limit, bytesMax }: MergeBounds,
): { readonly merged: { readonly origin: Origin; readonly event: StoredEvent }[]; readonly more: boolean } {
  const heads = inputs.flatMap(({ origin, events }) => {
    const { value, done } = events.next();
    return done === true ? [] : [{ origin, events, event: value }];
  });
  const merged: { origin: Origin; event: StoredEvent }[] = [];
  let bytes = 0;
  while (merged.length < limit && bytes < bytesMax) {
    let [best] = heads;
    for (const head of heads) {
      if (best === undefined) break;
      const before = compareEvents(head.event, best.event);
      if (order === "asc" ? before < 0 : before > 0) best = head;
    }
    if (best === undefined) break;
    merged.push({ origin: best.origin, event: best.event });
    bytes += best.event.value?.length ?? 0;
    const { value, done } = best.events.next();
    if (done === true) heads.splice(heads.indexOf(best), 1);
    else best.event = value;
  }
  return { merged, more: heads.length > 0 };
}
