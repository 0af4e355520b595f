import type Database from "better-sqlite3";
import { othersTurn } from "../../../../shared/async/others-turn.ts";
import { type StoredEvent, unpackChunk } from "../events/chunk-codec.ts";
import type { FeedMark, FoundEvent } from "./mark.ts";

/** Rows, or events of chunks, that are read before others get a turn. */
const blockRows = 256;
/** Values longer than this are read one by one: a block of them would not fit into memory. */
const inlineBytesMax = 4_096;

type RecentRow = StoredEvent & { readonly id: number; readonly series: number; readonly apart: number };

interface ChunkHead {
  readonly id: number;
  readonly series: number;
}

interface Series {
  readonly vehicle: string;
  readonly stream: string;
}

/** Statements of the feed's connection, inside its read transaction. */
export class FeedSession {
  private readonly series = new Map<number, Series>();
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      sources: database.prepare<[], { id: number; next: number }>("select id, next from source order by id"),
      lastChunk: database.prepare<[], number>("select coalesce(max(id), 0) from chunk").pluck(),
      lastRecent: database.prepare<[], { id: number; source: number; offset: number }>(
        "select id, source, offset from recent order by id desc limit 1",
      ),
      recentAt: database.prepare<[number], { source: number; offset: number }>(
        "select source, offset from recent where id = ?",
      ),
      recent: database.prepare<[number], RecentRow>(
        `select id, series, time, source, offset, lane, seq, length(value) > ${inlineBytesMax} as apart,
           case when length(value) > ${inlineBytesMax} then null else value end as value
         from recent where id > ? order by id limit ${blockRows}`,
      ),
      recentValue: database.prepare<[number], Buffer | null>("select value from recent where id = ?").pluck(),
      eventsAfter: database
        .prepare<[number, number], number>(
          `select (select coalesce(sum(events), 0) from chunk where id > ?) + (select count(*) from recent where id > ?)`,
        )
        .pluck(),
      chunks: database.prepare<[number], ChunkHead>(
        `select id, series from chunk where id > ? order by id limit ${blockRows}`,
      ),
      body: database.prepare<[number], Buffer>("select body from chunk where id = ?").pluck(),
      series: database.prepare<[number], Series>("select vehicle, stream from series where id = ?"),
    };
  }

  /** Where the store is. */
  mark(): FeedMark {
    const { id: recent = 0, source = 0, offset = 0 } = this.sql.lastRecent.get() ?? {};
    const offsets = new Map(this.sql.sources.all().map(({ id, next }) => [id, next]));
    return { chunk: this.sql.lastChunk.get() ?? 0, recent, source, offset, within: false, offsets };
  }

  /** What has to be looked at, at most. */
  eventsAfter(after: FeedMark): number {
    return this.sql.eventsAfter.get(after.chunk, this.folded(after) ? 0 : after.recent) ?? 0;
  }

  /** What is new after the mark, block by block. */
  async *after(
    after: FeedMark,
    wants: (vehicle: string, stream: string) => boolean,
  ): AsyncGenerator<readonly FoundEvent[]> {
    const folded = this.folded(after);
    const unseen = ({ source, offset }: StoredEvent) => offset >= (after.offsets.get(source) ?? 0);
    for await (const block of this.rows(folded ? 0 : after.recent, wants)) {
      yield after.within ? block.filter(({ event }) => unseen(event)) : block;
    }
    for await (const block of this.chunked(after.chunk, wants)) {
      // Without rows at the mark a fold can have moved new ones alone.
      const mixed = after.within || (folded && after.recent > 0);
      yield mixed ? block.filter(({ event }) => unseen(event)) : block;
    }
  }

  private folded({ recent, source, offset }: FeedMark): boolean {
    if (recent === 0) return false;
    const row = this.sql.recentAt.get(recent);
    return row === undefined || row.source !== source || row.offset !== offset;
  }

  private async *rows(from: number, wants: Wants): AsyncGenerator<FoundEvent[]> {
    let last = from;
    for (;;) {
      const rows = this.sql.recent.all(last);
      const block: FoundEvent[] = [];
      for (const { id, series, apart, ...event } of rows) {
        last = id;
        const whose = this.wanted(series, wants);
        if (whose === undefined) continue;
        const value = apart === 1 ? (this.sql.recentValue.get(id) ?? null) : event.value;
        block.push({ ...whose, event: { ...event, value } });
        if (apart === 1) yield block.splice(0);
      }
      if (block.length > 0) yield block;
      if (rows.length < blockRows) return;
      await othersTurn();
    }
  }

  private async *chunked(from: number, wants: Wants): AsyncGenerator<FoundEvent[]> {
    let last = from;
    for (;;) {
      const heads = this.sql.chunks.all(last);
      let unpacked = 0;
      for (const { id, series } of heads) {
        last = id;
        const whose = this.wanted(series, wants);
        const body = whose === undefined ? undefined : this.sql.body.get(id);
        if (whose === undefined || body === undefined) continue;
        const block = unpackChunk(body).map((event) => ({ ...whose, event }));
        unpacked += block.length;
        yield block;
        if (unpacked < blockRows * 4) continue;
        unpacked = 0;
        await othersTurn();
      }
      if (heads.length < blockRows) return;
      await othersTurn();
    }
  }

  private wanted(id: number, wants: Wants): Series | undefined {
    let series = this.series.get(id);
    if (series === undefined) {
      series = this.sql.series.get(id);
      if (series === undefined) return undefined;
      // Names are looked up again when there are too many to remember.
      if (this.series.size >= 50_000) this.series.clear();
      this.series.set(id, series);
    }
    return wants(series.vehicle, series.stream) ? series : undefined;
  }
}

type Wants = (vehicle: string, stream: string) => boolean;
