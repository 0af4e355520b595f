/**
 * The ledger inside one transaction. A lane's records come in order nearly always, so each lane has a cursor: the range
 * that the last record fell into, and where the next range begins. A record that continues the range costs a
 * comparison; anything else writes the cursor back and looks the numbers up.
 *
 *     received 0-41   (missing 42-49)   received 50-60        next_seq 61, missing 8
 */
import type Database from "better-sqlite3";
import type { LaneIdentity } from "../../../shared/identity/identity.ts";

/** What a range says about its numbers. */
export type RangeKind = "received" | "shed" | "dead";

/** What the ledger says of a record that just came. */
export type Verdict = "new" | "seen";

interface Range {
  first: number;
  last: number;
  kind: RangeKind;
  reason: string | null;
}

/** What one transaction changes in the books of a lane. */
export class LaneBook {
  range: Range | undefined;
  /** Where the range above the cursor begins. */
  aboveFirst = Number.POSITIVE_INFINITY;
  changed = false;
  received = 0;
  shed = 0;
  dead = 0;
  repeated = 0;
  conflicts = 0;
  nextSeq = 0;
  lastTime: number | undefined;

  constructor(readonly id: number) {}
}

export class LedgerWriter {
  private readonly laneIds = new Map<string, number>();
  private books = new Map<number, LaneBook>();
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      insertLane: database.prepare(
        `insert into lane (agent, epoch, stream, lane, updated_at) values (?, ?, ?, ?, 0)
         on conflict do update set lane = excluded.lane returning id`,
      ),
      below: database.prepare<[number, number], Range>(
        "select first, last, kind, reason from ledger where lane = ? and first <= ? order by first desc limit 1",
      ),
      above: database.prepare<[number, number], Range>(
        "select first, last, kind, reason from ledger where lane = ? and first > ? order by first limit 1",
      ),
      put: database.prepare(
        `insert into ledger (lane, first, last, kind, reason) values (?, ?, ?, ?, ?)
         on conflict (lane, first) do update set last = excluded.last, kind = excluded.kind, reason = excluded.reason`,
      ),
      remove: database.prepare("delete from ledger where lane = ? and first = ?"),
      updateLane: database.prepare(
        `update lane set next_seq = max(next_seq, ?), received = received + ?, shed = shed + ?, dead = dead + ?,
           repeated = repeated + ?, conflicts = conflicts + ?, last_time = coalesce(?, last_time), updated_at = ?
         where id = ?`,
      ),
    };
  }

  /** The lane of this header prefix (`agent/epoch/stream.lane/`). */
  book(prefix: string, lane: LaneIdentity): LaneBook {
    let id = this.laneIds.get(prefix);
    if (id === undefined) {
      const row = this.sql.insertLane.get(lane.agent, lane.epoch, lane.stream, lane.lane);
      id = rowId(row);
      if (this.laneIds.size > 50_000) this.laneIds.clear();
      this.laneIds.set(prefix, id);
    }
    let book = this.books.get(id);
    if (book === undefined) {
      book = new LaneBook(id);
      this.books.set(id, book);
    }
    return book;
  }

  /** A record came. `seen`: its number is accounted for already. */
  receive(book: LaneBook, seq: number): Verdict {
    const { range } = book;
    if (range !== undefined && range.kind === "received") {
      if (seq === range.last + 1 && seq < book.aboveFirst) {
        range.last = seq;
        book.changed = true;
        book.received++;
        if (seq >= book.nextSeq) book.nextSeq = seq + 1;
        return "new";
      }
      if (seq >= range.first && seq <= range.last) return "seen";
    }
    return this.place(book, seq);
  }

  /** Numbers that will not come as events: shed by the edge, or dead-lettered here. Returns how many were new. */
  mark(book: LaneBook, first: number, last: number, kind: "shed" | "dead", reason: string): number {
    this.write(book);
    book.range = undefined;
    let marked = 0;
    for (let from = first; from <= last; ) {
      const below = this.sql.below.get(book.id, from);
      if (below !== undefined && below.last >= from) {
        from = below.last + 1;
        continue;
      }
      const above = this.sql.above.get(book.id, from);
      const to = Math.min(last, (above?.first ?? Number.POSITIVE_INFINITY) - 1);
      const joins = below !== undefined && below.kind === kind && below.reason === reason && below.last + 1 === from;
      this.sql.put.run(book.id, joins ? below.first : from, to, kind, reason);
      marked += to - from + 1;
      from = to + 1;
    }
    book[kind] += marked;
    book.nextSeq = Math.max(book.nextSeq, last + 1);
    return marked;
  }

  /** Writes all cursors and counters: the last thing in a transaction. */
  finish(nowMs: number): void {
    for (const book of this.books.values()) {
      this.write(book);
      const { nextSeq, received, shed, dead, repeated, conflicts, lastTime } = book;
      const time = lastTime ?? null;
      this.sql.updateLane.run(nextSeq, received, shed, dead, repeated, conflicts, time, nowMs, book.id);
    }
    this.books = new Map();
  }

  /** The transaction was rolled back: nothing that was remembered in it is true. */
  forget(): void {
    this.books = new Map();
    this.laneIds.clear();
  }

  private place(book: LaneBook, seq: number): Verdict {
    this.write(book);
    const below = this.sql.below.get(book.id, seq);
    book.aboveFirst = this.sql.above.get(book.id, seq)?.first ?? Number.POSITIVE_INFINITY;
    if (below !== undefined && seq <= below.last) {
      if (below.kind !== "shed") {
        book.range = below;
        return "seen";
      }
      // Said to be shed, and here it is: the record counts, the marker shrinks around it.
      this.split(book, below, seq);
      book.range = { first: seq, last: seq, kind: "received", reason: null };
    } else if (below !== undefined && below.kind === "received" && below.last + 1 === seq) {
      below.last = seq;
      book.range = below;
    } else {
      book.range = { first: seq, last: seq, kind: "received", reason: null };
    }
    book.changed = true;
    book.received++;
    book.nextSeq = Math.max(book.nextSeq, seq + 1);
    return "new";
  }

  private split(book: LaneBook, shed: Range, seq: number): void {
    this.sql.remove.run(book.id, shed.first);
    if (shed.first < seq) this.sql.put.run(book.id, shed.first, seq - 1, shed.kind, shed.reason);
    if (seq < shed.last) this.sql.put.run(book.id, seq + 1, shed.last, shed.kind, shed.reason);
    book.aboveFirst = seq < shed.last ? seq + 1 : book.aboveFirst;
    book.shed--;
  }

  /** Writes the cursor back; joins it with the range above when the hole between them has closed. */
  private write(book: LaneBook): void {
    const { range } = book;
    if (range === undefined || !book.changed) return;
    book.changed = false;
    if (range.last + 1 === book.aboveFirst) {
      const above = this.sql.above.get(book.id, range.last);
      if (above !== undefined && above.kind === "received") {
        this.sql.remove.run(book.id, above.first);
        range.last = above.last;
        book.aboveFirst = this.sql.above.get(book.id, range.last)?.first ?? Number.POSITIVE_INFINITY;
      }
    }
    this.sql.put.run(book.id, range.first, range.last, range.kind, range.reason);
  }
}

/** The id of a `returning id` row. */
export function rowId(row: unknown): number {
  return typeof row === "object" && row !== null && "id" in row ? Number(row.id) : Number.NaN;
}
