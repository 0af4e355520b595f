import type Database from "better-sqlite3";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { TopicPartition } from "../../consumer/consumer.ts";
import type { Append, AppendResult, Gap, Position } from "../store.ts";
import { EventWriter } from "./event-writer.ts";
import { foldBytes, foldRecent, foldRows, recentRows } from "./fold.ts";
import { LedgerWriter, rowId } from "./ledger-writer.ts";
import { RecordWriter } from "./record-writer.ts";

interface SourceRow {
  readonly id: number;
  readonly generation: number;
  readonly next: number;
  readonly before_offset: number | null;
  readonly before_identity: string | null;
  readonly before_crc: number | null;
}

/** What lives as long as a connection: statements and caches. Its methods run inside a transaction of the store. */
export class WriterSession {
  private readonly ledger: LedgerWriter;
  private readonly events: EventWriter;
  private readonly records: RecordWriter;
  private readonly sql;

  constructor(readonly database: Database.Database) {
    this.ledger = new LedgerWriter(database);
    this.events = new EventWriter(database);
    this.records = new RecordWriter(database, this.ledger, this.events);
    this.events.recentRows = recentRows(database);
    this.sql = {
      source: database.prepare<[string, number], SourceRow>(
        `select id, generation, next, before_offset, before_identity, before_crc from source
         where topic = ? and partition = ? order by generation desc limit 1`,
      ),
      insertSource: database.prepare(
        `insert into source (topic, partition, generation, next, updated_at) values (?, ?, ?, ?, ?)
         on conflict do nothing returning id`,
      ),
      move: database.prepare(
        `update source set next = :next, before_offset = :offset, before_identity = :identity, before_crc = :crc,
           stored = stored + :stored, foreign_events = foreign_events + :foreign, dead = dead + :dead, updated_at = :now
         where id = :id and next = :seen`,
      ),
      insertGap: database.prepare(
        "insert into gap (source, kind, first_offset, last_offset, at) values (?, ?, ?, ?, ?)",
      ),
      touch: database.prepare("update source set updated_at = updated_at where id = (select min(id) from source)"),
    };
  }

  position({ topic, partition }: TopicPartition): { readonly id: number; readonly position: Position } | undefined {
    const row = this.sql.source.get(topic, partition);
    if (row === undefined) return undefined;
    const { before_offset: offset, before_identity: identity, before_crc: crc, id, next, generation } = row;
    const before = offset === null ? undefined : { offset, identity: identity ?? "", crc: crc ?? 0 };
    return { id, position: { next, before, generation } };
  }

  append(append: Append, nowMs: number): AppendResult {
    const { seen, topic, partition } = append;
    const source = { id: this.fence(append, seen, append.next, nowMs), topic };
    if (append.gap !== undefined) this.gap(source.id, append.gap, nowMs);
    this.records.begin();
    for (const { block, from, to } of append.records) {
      for (let index = from; index < to; index++) this.records.write(source, block, index);
    }
    this.records.settleDoubts(nowMs);
    for (const dead of append.dead) this.records.writeDead(source, dead, nowMs);
    for (const { firstOffset, lastOffset, reason, bytes } of append.damaged) {
      this.records.writeDamaged(source, firstOffset, lastOffset, reason, bytes, nowMs);
    }
    this.events.finish(nowMs);
    this.ledger.finish(nowMs);
    const before = append.before ?? seen?.before;
    const { result } = this.records;
    const moved = this.sql.move.run({
      id: source.id,
      seen: seen?.next ?? append.next,
      next: append.next,
      offset: before?.offset ?? null,
      identity: before?.identity ?? null,
      crc: before?.crc ?? null,
      stored: result.stored,
      foreign: result.withoutIdentity,
      dead: result.deadLettered,
      now: nowMs,
    });
    if (moved.changes !== 1) throw fenced(topic, partition);
    return { position: { next: append.next, before, generation: seen?.generation ?? 0 }, ...result };
  }

  startOver(at: TopicPartition, seen: Position, gap: Gap, next: number, nowMs: number): Position {
    const old = this.fence(at, seen, next, nowMs);
    this.gap(old, gap, nowMs);
    const generation = seen.generation + 1;
    const made = this.sql.insertSource.get(at.topic, at.partition, generation, next, nowMs);
    if (made === undefined) throw fenced(at.topic, at.partition);
    return { next, before: undefined, generation };
  }

  touch(): void {
    this.sql.touch.run();
  }

  fold(): number {
    const folded = foldRecent(this.database, this.events);
    this.events.recentRows = 0;
    this.events.recentBytes = 0;
    return folded;
  }

  foldIsDue(rowsMax = foldRows): boolean {
    return this.events.recentRows >= rowsMax || this.events.recentBytes >= foldBytes;
  }

  /** The transaction was rolled back. */
  forget(): void {
    this.ledger.forget();
    this.events.forget();
    this.events.recentRows = recentRows(this.database);
  }

  /** The row of the partition, when it says what the writer has seen; made when neither has one. */
  private fence({ topic, partition }: TopicPartition, seen: Position | undefined, next: number, nowMs: number): number {
    const row = this.sql.source.get(topic, partition);
    if (seen === undefined) {
      const made = row === undefined ? this.sql.insertSource.get(topic, partition, 0, next, nowMs) : undefined;
      if (made === undefined) throw fenced(topic, partition);
      return rowId(made);
    }
    if (row === undefined || row.next !== seen.next || row.generation !== seen.generation)
      throw fenced(topic, partition);
    return row.id;
  }

  private gap(source: number, { kind, firstOffset, lastOffset }: Gap, nowMs: number): void {
    this.sql.insertGap.run(source, kind, firstOffset, lastOffset ?? null, nowMs);
  }
}

function fenced(topic: string, partition: number): AppError {
  return new AppError("CENTRAL_STORE_FENCED", `store records of ${topic}-${partition}: the position has been moved`);
}
