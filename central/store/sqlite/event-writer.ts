/**
 * Events of one transaction, gathered by series and written in the form that costs least:
 *
 *     many of one series and hour   →  a chunk at once            (catching up, or few vehicles)
 *     a few                         →  rows in `recent`           (live, or many vehicles interleaved)
 *
 * `recent` is folded into chunks when it has grown (fold.ts). Either way the event is stored once, in this transaction.
 */
import type Database from "better-sqlite3";
import { ChunkPacker, compareEvents, type StoredEvent } from "./chunk-codec.ts";
import { rowId } from "./ledger-writer.ts";

/** From this many events, or bytes of values, a chunk of its own pays. */
const denseEvents = 64;
const denseBytes = 16 * 1024;
/** A chunk is decompressed whole: its size bounds what one page of a query costs. */
const chunkEventsMax = 1_000;
const chunkBytesMax = 256 * 1024;
const seriesCachedMax = 50_000;

/** Chunks are cut at hours of event time. */
export const hourMs = 3_600_000;

interface Group {
  readonly id: number;
  events: StoredEvent[];
  bytes: number;
  count: number;
  last: StoredEvent;
}

export class EventWriter {
  /** Rows put into `recent` since the last `forget`, and their values' bytes: the fold's yardstick. */
  recentRows = 0;
  recentBytes = 0;
  private readonly packer = new ChunkPacker();
  private readonly seriesIds = new Map<string, Map<string, number>>();
  private seriesCached = 0;
  private groups = new Map<number, Group>();
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      insertSeries: database.prepare(
        "insert into series (vehicle, stream) values (?, ?) on conflict do update set stream = excluded.stream returning id",
      ),
      insertRecent: database.prepare(
        "insert into recent (series, time, lane, seq, source, offset, value) values (?, ?, ?, ?, ?, ?, ?)",
      ),
      insertChunk: database.prepare(
        "insert into chunk (series, hour, first_time, last_time, events, bytes, body) values (?, ?, ?, ?, ?, ?, ?)",
      ),
      count: database.prepare("update series set events = events + ? where id = ?"),
      // Within a lane its own numbers say what is newer, whatever a wrong clock says; between lanes only time can.
      lastState: database.prepare(
        `update series set last_time = :time, last_lane = :lane, last_seq = :seq, last_source = :source,
           last_offset = :offset, last_value = :value, stored_at = :now
         where id = :id and (last_time is null or
           case when :lane > 0 and last_lane = :lane then last_seq < :seq else last_time <= :time end)`,
      ),
    };
  }

  /** The row of a vehicle's stream; made when it is new. */
  seriesId(vehicle: string, stream: string): number {
    let ofStream = this.seriesIds.get(stream);
    if (ofStream === undefined) {
      ofStream = new Map();
      this.seriesIds.set(stream, ofStream);
    }
    let id = ofStream.get(vehicle);
    if (id === undefined) {
      id = rowId(this.sql.insertSeries.get(vehicle, stream));
      if (this.seriesCached++ > seriesCachedMax) this.forgetSeries();
      else ofStream.set(vehicle, id);
    }
    return id;
  }

  add(series: number, event: StoredEvent): void {
    const group = this.groups.get(series);
    const bytes = event.value?.length ?? 0;
    if (group === undefined) {
      this.groups.set(series, { id: series, events: [event], bytes, count: 1, last: event });
      return;
    }
    group.events.push(event);
    group.bytes += bytes;
    group.count++;
    if (isNewer(event, group.last)) group.last = event;
  }

  /** Writes the events gathered so far, so that statements of this transaction see them. */
  flush(): void {
    for (const group of this.groups.values()) {
      if (group.events.length === 0) continue;
      this.writeSorted(group.id, sorted(group.events), true);
      group.events = [];
      group.bytes = 0;
    }
  }

  /** Writes everything, and the last states: at the end of a transaction. */
  finish(nowMs: number): void {
    this.flush();
    for (const { id, count, last } of this.groups.values()) {
      this.sql.count.run(count, id);
      const { time, lane, seq, source, offset, value } = last;
      this.sql.lastState.run({ id, time, lane, seq, source, offset, value, now: nowMs });
    }
    this.groups = new Map();
  }

  /** The transaction was rolled back. */
  forget(): void {
    this.groups = new Map();
    this.forgetSeries();
  }

  /** Cuts sorted events at hours and at the chunk's bounds. `mayWait`: a few events may go to `recent`. */
  writeSorted(series: number, events: readonly StoredEvent[], mayWait: boolean): void {
    let from = 0;
    let bytes = 0;
    let hour = hourOf(events[0]);
    for (let index = 0; index <= events.length; index++) {
      const event = events[index];
      const full = index - from >= chunkEventsMax || bytes >= chunkBytesMax;
      if (index > from && (event === undefined || full || hourOf(event) !== hour)) {
        this.writeRun(series, hour, events.slice(from, index), bytes, mayWait);
        from = index;
        bytes = 0;
      }
      if (event === undefined) return;
      hour = hourOf(event);
      bytes += event.value?.length ?? 0;
    }
  }

  private writeRun(series: number, hour: number, run: readonly StoredEvent[], bytes: number, mayWait: boolean): void {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) return;
    if (mayWait && run.length < denseEvents && bytes < denseBytes) {
      for (const { time, lane, seq, source, offset, value } of run) {
        this.sql.insertRecent.run(series, time, lane, seq, source, offset, value);
      }
      this.recentRows += run.length;
      this.recentBytes += bytes;
      return;
    }
    this.sql.insertChunk.run(series, hour, first.time, last.time, run.length, bytes, this.packer.pack(run));
  }

  private forgetSeries(): void {
    this.seriesIds.clear();
    this.seriesCached = 0;
  }
}

function hourOf(event: StoredEvent | undefined): number {
  return event === undefined ? 0 : Math.floor(event.time / hourMs);
}

function isNewer(event: StoredEvent, than: StoredEvent): boolean {
  return event.lane > 0 && event.lane === than.lane ? event.seq > than.seq : event.time >= than.time;
}

/** Records nearly always come in the order of time: looked at before it is sorted. */
function sorted(events: StoredEvent[]): StoredEvent[] {
  for (let index = 1; index < events.length; index++) {
    const before = events[index - 1];
    const event = events[index];
    if (before !== undefined && event !== undefined && compareEvents(before, event) > 0) {
      return events.sort(compareEvents);
    }
  }
  return events;
}
