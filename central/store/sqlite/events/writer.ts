/**
 * Events of one transaction, series by series, written in the form that costs least:
 *
 *     many of one series and hour   →  a chunk at once            (catching up, or few vehicles)
 *     a few                         →  rows in `recent`           (live, or many vehicles interleaved)
 *
 * `recent` is folded into chunks when it has grown (fold.ts). Either way the event is stored once, in this transaction.
 */
import type Database from "better-sqlite3";
import { ChunkPacker, compareEvents, type StoredEvent } from "./chunk-codec.ts";

/** From this many events, or bytes of values, a chunk of its own pays. */
const denseEvents = 64;
const denseBytes = 16 * 1024;
/** A chunk is decompressed whole: its size bounds what one page of a query costs. */
const chunkEventsMax = 1_000;
const chunkBytesMax = 256 * 1024;

/** Chunks are cut at hours of event time. */
export const hourMs = 3_600_000;

export class EventWriter {
  /** Rows put into `recent` since the last `forget`, and their values' bytes: the fold's yardstick. */
  recentRows = 0;
  recentBytes = 0;
  private readonly packer = new ChunkPacker();
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      insertRecent: database.prepare(
        "insert into recent (series, time, lane, seq, source, offset, value) values (?, ?, ?, ?, ?, ?, ?)",
      ),
      insertChunk: database.prepare(
        "insert into chunk (series, hour, first_time, last_time, events, bytes, body) values (?, ?, ?, ?, ?, ?, ?)",
      ),
    };
  }

  /** Writes the new events of one series, in whatever order they came. */
  write(series: number, events: readonly StoredEvent[]): void {
    this.writeSorted(series, sorted(events), true);
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
        this.writeRun({ series, hour, events: events.slice(from, index), bytes }, mayWait);
        from = index;
        bytes = 0;
      }
      if (event === undefined) return;
      hour = hourOf(event);
      bytes += event.value?.length ?? 0;
    }
  }

  private writeRun({ series, hour, events: run, bytes }: Run, mayWait: boolean): void {
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
}

/** Events of one series and one hour, sorted, that are written together. */
interface Run {
  readonly series: number;
  readonly hour: number;
  readonly events: readonly StoredEvent[];
  readonly bytes: number;
}

function hourOf(event: StoredEvent | undefined): number {
  return event === undefined ? 0 : Math.floor(event.time / hourMs);
}

/** Records nearly always come in the order of time: looked at before it is sorted. */
function sorted(events: readonly StoredEvent[]): readonly StoredEvent[] {
  for (let index = 1; index < events.length; index++) {
    const before = events[index - 1];
    const event = events[index];
    if (before !== undefined && event !== undefined && compareEvents(before, event) > 0) {
      return events.toSorted(compareEvents);
    }
  }
  return events;
}
