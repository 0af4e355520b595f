/**
 * Fills in what the store knows of the lanes, series and accounts that an append names. Decides nothing.
 *
 * Accounts are locked first, in the order of their names, until the transaction ends: an agent's lanes and ranges change
 * only under its account's lock, so whoever holds it sees what it then changes. Series may be named by several agents:
 * they are not locked, their count of changes is compared when they are written (plan-writer.ts).
 */
import type { SQL } from "bun";
import type { AccountEntry, LaneEntry, SeriesEntry, StoredLane } from "../../ledger/entries.ts";
import type { Gathering } from "../../ledger/gather.ts";
import type { Range, RangeKind } from "../../ledger/ranges.ts";
import { markSuppressed, shareSuppressions } from "./replay/suppressions.ts";
import { byteas, bytes, int8s, textOf } from "./values.ts";

interface AccountRow {
  readonly name: Buffer;
  readonly lanes: number;
  readonly series: number;
  readonly day: number;
  readonly bytes: number;
  readonly quarantined: boolean;
}

interface LaneRow {
  readonly at: number;
  readonly id: number;
  readonly firstSeq: number;
  readonly nextSeq: number;
  readonly sender: Buffer;
}

interface RangeRow {
  readonly at: number;
  readonly first: number;
  readonly last: number;
  readonly kind: RangeKind;
  readonly reason: Buffer | null;
}

interface SeriesRow {
  readonly at: number;
  readonly id: number;
  readonly changes: number;
  readonly anew: boolean;
  readonly time: number | null;
  readonly lane: number;
  readonly seq: number;
  readonly source: number;
  readonly offset: number;
  readonly storedAtMs: number;
}

/** Changes of each series when it was loaded: what must still hold when it is written. */
export type SeenEvents = ReadonlyMap<SeriesEntry, number>;

/** All of it in one exchange with the server, which answers in this order. */
export async function loadLedger(sql: SQL, { accounts, lanes, series }: Gathering): Promise<SeenEvents> {
  const laneEntries = [...lanes.values()];
  const seriesEntries = [...series.values()];
  const [anySuppressed, accountRows, laneRows, rangeRows, seriesRows] = await Promise.all([
    shareSuppressions(sql),
    lockAccounts(sql, [...accounts.values()]),
    loadLanes(sql, laneEntries),
    loadRanges(sql, laneEntries),
    loadSeries(sql, seriesEntries),
  ]);
  for (const { name, ...stored } of accountRows) {
    const entry = accounts.get(textOf(name));
    if (entry !== undefined) entry.stored = stored;
  }
  const ranges = rangesByLane(rangeRows);
  for (const { at, sender, ...row } of laneRows) {
    const entry = laneEntries[at];
    if (entry !== undefined) entry.stored = storedLane(row, textOf(sender), ranges.get(at));
  }
  const seen = new Map<SeriesEntry, number>();
  for (const { at, id, changes, anew, time, ...state } of seriesRows) {
    const entry = seriesEntries[at];
    if (entry === undefined) continue;
    entry.stored = { id, anew, last: time === null ? undefined : { time, ...state } };
    seen.set(entry, changes);
  }
  if (anySuppressed) await markSuppressed(sql, seriesEntries);
  return seen;
}

function lockAccounts(sql: SQL, entries: readonly AccountEntry[]): Promise<AccountRow[]> {
  if (entries.length === 0) return Promise.resolve([]);
  return sql<AccountRow[]>`
    select name, lanes::float8 as lanes, series::float8 as series, day, bytes::float8 as bytes, quarantined
    from account where name = any(${byteas(
      sql,
      entries.map(({ name }) => bytes(name)),
    )}) order by name for update`;
}

function loadLanes(sql: SQL, entries: readonly LaneEntry[]): Promise<LaneRow[]> {
  if (entries.length === 0) return Promise.resolve([]);
  const { agents, epochs, streams, numbers } = laneNames(sql, entries);
  return sql<LaneRow[]>`
    select (n.at - 1)::int as at, l.id::float8 as id, l.first_seq::float8 as "firstSeq", l.next_seq::float8 as "nextSeq", l.sender
    from unnest(${agents}, ${epochs}, ${streams}, ${numbers}) with ordinality as n (agent, epoch, stream, lane, at)
    join lane l on l.agent = n.agent and l.epoch = n.epoch and l.stream = n.stream and l.lane = n.lane`;
}

/** Of each span the range that begins at its start or below it, and all that begin in the span or right above it. */
function loadRanges(sql: SQL, entries: readonly LaneEntry[]): Promise<RangeRow[]> {
  if (entries.length === 0) return Promise.resolve([]);
  const at: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  entries.forEach(({ spans }, index) => {
    for (let span = 0; span < spans.length; span += 2) {
      at.push(index + 1);
      from.push(spans[span] ?? 0);
      to.push((spans[span + 1] ?? 0) + 1);
    }
  });
  const { agents, epochs, streams, numbers } = laneNames(sql, entries);
  return sql<RangeRow[]>`
    select (n.at - 1)::int as at, r.first::float8 as first, r.last::float8 as last, r.kind, r.reason
    from unnest(${agents}, ${epochs}, ${streams}, ${numbers}) with ordinality as n (agent, epoch, stream, lane, at)
    join lane l on l.agent = n.agent and l.epoch = n.epoch and l.stream = n.stream and l.lane = n.lane
    join unnest(${int8s(sql, at)}, ${int8s(sql, from)}, ${int8s(sql, to)}) as s (at, low, high) on s.at = n.at
    cross join lateral (
      select * from ledger where lane = l.id and first <= s.high
        and first >= coalesce((select max(first) from ledger where lane = l.id and first <= s.low), s.low)
    ) r`;
}

function loadSeries(sql: SQL, entries: readonly SeriesEntry[]): Promise<SeriesRow[]> {
  if (entries.length === 0) return Promise.resolve([]);
  const vehicles = byteas(
    sql,
    entries.map(({ vehicle }) => bytes(vehicle)),
  );
  const streams = byteas(
    sql,
    entries.map(({ stream }) => bytes(stream)),
  );
  return sql<SeriesRow[]>`
    select (n.at - 1)::int as at, s.id::float8 as id, s.changes::float8 as changes, s.anew, s.last_time::float8 as time,
      s.last_lane::float8 as lane, s.last_seq::float8 as seq, s.last_source as source, s.last_offset::float8 as offset,
      s.stored_at::float8 as "storedAtMs"
    from unnest(${vehicles}, ${streams}) with ordinality as n (vehicle, stream, at)
    join series s on s.vehicle = n.vehicle and s.stream = n.stream`;
}

function laneNames(sql: SQL, entries: readonly LaneEntry[]) {
  return {
    agents: byteas(
      sql,
      entries.map(({ identity }) => bytes(identity.agent)),
    ),
    epochs: byteas(
      sql,
      entries.map(({ identity }) => bytes(identity.epoch)),
    ),
    streams: byteas(
      sql,
      entries.map(({ identity }) => bytes(identity.stream)),
    ),
    numbers: int8s(
      sql,
      entries.map(({ identity }) => identity.lane),
    ),
  };
}

/** A range that several spans touch comes once for each. */
function rangesByLane(rows: readonly RangeRow[]): ReadonlyMap<number, ReadonlyMap<number, Range>> {
  const byLane = new Map<number, Map<number, Range>>();
  for (const { at, first, last, kind, reason } of rows) {
    let ranges = byLane.get(at);
    if (ranges === undefined) {
      ranges = new Map();
      byLane.set(at, ranges);
    }
    ranges.set(first, { first, last, kind, reason: reason === null ? null : textOf(reason) });
  }
  return byLane;
}

function storedLane(
  row: Omit<StoredLane, "ranges" | "sender">,
  sender: string,
  ranges: ReadonlyMap<number, Range> = new Map(),
): StoredLane {
  return { ...row, sender, ranges: [...ranges.values()].sort((a, b) => a.first - b.first) };
}
