/** Fills in what the store knows of the lanes, series and accounts that an append names. Decides nothing. */
import type Database from "better-sqlite3";
import type {
  AccountEntry,
  LaneEntry,
  SeriesEntry,
  StoredAccount,
  StoredLane,
  StoredSeries,
} from "../../ledger/entries.ts";
import type { Gathering } from "../../ledger/gather.ts";
import type { Range } from "../../ledger/ranges.ts";
import type { Suppressions } from "./replay/suppressions.ts";

interface SeriesRow {
  readonly id: number;
  readonly anew: number;
  readonly last_time: number | null;
  readonly last_lane: number;
  readonly last_seq: number;
  readonly last_source: number;
  readonly last_offset: number;
  readonly stored_at: number;
}

export class LedgerLoader {
  private readonly sql;

  constructor(
    database: Database.Database,
    private readonly suppressions: Suppressions,
  ) {
    this.sql = {
      account: database.prepare<[string], Omit<StoredAccount, "quarantined"> & { readonly quarantined: number }>(
        "select lanes, series, day, bytes, quarantined from account where name = ?",
      ),
      lane: database.prepare<[string, string, string, number], Omit<StoredLane, "ranges">>(
        "select id, first_seq as firstSeq, next_seq as nextSeq, sender from lane where agent = ? and epoch = ? and stream = ? and lane = ?",
      ),
      // The range that begins at the span's start or below it, and all that begin in the span or right above it.
      ranges: database.prepare<{ lane: number; from: number; to: number; limit: number }, Range>(
        `select first, last, kind, reason from ledger where lane = :lane and first <= :to
           and first >= coalesce((select max(first) from ledger where lane = :lane and first <= :from), :from)
         order by first limit :limit`,
      ),
      series: database.prepare<[string, string], SeriesRow>(
        `select id, anew, last_time, last_lane, last_seq, last_source, last_offset, stored_at
         from series where vehicle = ? and stream = ?`,
      ),
    };
  }

  load({ accounts, lanes, series }: Gathering): void {
    for (const entry of accounts.values()) entry.stored = this.account(entry);
    for (const entry of lanes.values()) entry.stored = this.lane(entry);
    for (const entry of series.values()) entry.stored = this.series(entry);
    if (!this.suppressions.any()) return;
    for (const entry of series.values()) entry.suppressed = this.suppressions.has(entry.vehicle);
  }

  private account({ name }: AccountEntry): StoredAccount | undefined {
    const row = this.sql.account.get(name);
    return row && { ...row, quarantined: row.quarantined !== 0 };
  }

  private lane({ identity: { agent, epoch, stream, lane }, spans }: LaneEntry): StoredLane | undefined {
    const row = this.sql.lane.get(agent, epoch, stream, lane);
    if (row === undefined) return undefined;
    const { id } = row;
    if (spans.length === 2) return { ...row, ranges: this.span(id, spans[0] ?? 0, spans[1] ?? 0) };
    const all = this.betweenAll(id, spans);
    if (all !== undefined) return { ...row, ranges: all };
    const found = new Map<number, Range>();
    for (let at = 0; at < spans.length; at += 2) {
      for (const range of this.span(id, spans[at] ?? 0, spans[at + 1] ?? 0)) found.set(range.first, range);
    }
    return { ...row, ranges: [...found.values()].sort((a, b) => a.first - b.first) };
  }

  private span(lane: number, first: number, last: number): Range[] {
    return this.sql.ranges.all({ lane, from: first, to: last + 1, limit: -1 });
  }

  /** All ranges from the lowest number to the highest, by one query; undefined when there are far more than spans. */
  private betweenAll(lane: number, spans: readonly number[]): Range[] | undefined {
    let from = Number.MAX_SAFE_INTEGER;
    let to = 0;
    for (let at = 0; at < spans.length; at += 2) {
      from = Math.min(from, spans[at] ?? from);
      to = Math.max(to, spans[at + 1] ?? to);
    }
    const limit = spans.length + 16;
    const ranges = this.sql.ranges.all({ lane, from, to: to + 1, limit });
    return ranges.length < limit ? ranges : undefined;
  }

  private series({ vehicle, stream }: SeriesEntry): StoredSeries | undefined {
    const row = this.sql.series.get(vehicle, stream);
    if (row === undefined) return undefined;
    const { id, last_time: time, last_lane: lane, last_seq: seq, last_source: source, last_offset: offset } = row;
    const last = time === null ? undefined : { time, lane, seq, source, offset, storedAtMs: row.stored_at };
    return { id, anew: row.anew !== 0, last };
  }
}
