/**
 * Writes what an append came to, inside the store's transaction. Decides nothing.
 *
 * What is new gets its key first (lanes, series); events and last states then go in one COPY each; the rest are a few
 * statements over arrays, sent in one go. Where a row that was to be new or unchanged is not, another writer was faster:
 * `Raced`, and the whole append begins again.
 */
import type { SQL } from "bun";
import type { AccountEntry, Doubt, SeriesEntry } from "../../ledger/entries.ts";
import type { LanePlan, Plan } from "../../ledger/plan.ts";
import type { AsideRow } from "../outcome.ts";
import { type ArrivalSpan, writeArrival } from "./events/arrivals.ts";
import { type CopyEncoder, copyChunks, copyInto } from "./events/copy.ts";
import type { EventDays } from "./events/event-days.ts";
import { Raced } from "./failure.ts";
import type { SeenEvents } from "./ledger-loader.ts";
import { bareOfSuppressed, countWithheld } from "./replay/suppressions.ts";
import { byteas, bytes, bytesOrNull, int8s, texts } from "./values.ts";

/** What a plan is written with. */
export interface WriteContext {
  readonly nowMs: number;
  readonly days: EventDays;
  readonly seen: SeenEvents;
  /** Undefined: what is written again is no news. */
  readonly arrival?: ArrivalSpan;
}

/** The days of which the plan's events are: each needs its table before the transaction. */
export function daysOf({ series }: Plan, days: EventDays, nowMs: number): Set<number> {
  const found = new Set<number>();
  for (const { events } of series) for (const { time } of events) found.add(days.of(time, nowMs));
  return found;
}

/** Writes all of a plan: what is new first, then events, then what changes. @throws Raced. */
export async function writePlan(sql: SQL, plan: Plan, context: WriteContext): Promise<void> {
  const { lanes, series, accounts, conflicts, day } = plan;
  const [laneIds, seriesIds] = await Promise.all([makeLanes(sql, lanes), makeSeries(sql, series)]);
  const laneId = (entry: LanePlan["entry"]) => entry.stored?.id ?? laneIds.get(entry) ?? 0;
  const seriesId = (entry: SeriesEntry) => entry.stored?.id ?? seriesIds.get(entry) ?? 0;
  await copyEvents(sql, series, seriesId, context);
  await writeSeries(sql, series, seriesId, context);
  const brought = series.map((entry) => ({ id: seriesId(entry), events: entry.events }));
  await copyConflicts(sql, conflicts, laneId, context.nowMs);
  await Promise.all([
    writeLanes(sql, lanes, laneId, context.nowMs),
    writeRanges(sql, lanes, laneId),
    writeHours(sql, lanes, laneId),
    writeAccounts(sql, accounts, day),
    context.arrival && writeArrival(sql, context.arrival, brought, context),
    countWithheld(sql, plan.withheld),
  ]);
}

/** Puts records aside. */
export async function writeAside(sql: SQL, source: number, all: readonly AsideRow[], nowMs: number): Promise<void> {
  const rows = await bareOfSuppressed(sql, all);
  if (rows.length === 0) return;
  const columns = "dead_letter (source, first_offset, last_offset, reason, identity, key, value, record_time, at)";
  const encode = (row: CopyEncoder, aside: AsideRow) => {
    row.row(9);
    row.int4(source);
    row.int8(aside.firstOffset);
    row.int8(aside.lastOffset);
    row.bytea(bytes(aside.reason));
    row.bytea(bytesOrNull(aside.identity));
    row.bytea(aside.key);
    row.bytea(aside.value);
    row.int8(aside.recordTimeMs);
    row.int8(nowMs);
  };
  await copyInto(sql, columns, copyChunks(rows, encode));
}

async function makeLanes(sql: SQL, plans: readonly LanePlan[]): Promise<ReadonlyMap<LanePlan["entry"], number>> {
  const made = new Map<LanePlan["entry"], number>();
  const fresh = plans.filter(({ entry }) => entry.stored === undefined);
  if (fresh.length === 0) return made;
  const names = fresh.map(({ entry }) => entry.identity);
  const rows = await sql<{ at: number; id: number }[]>`
    with fresh as (
      select * from unnest(
        ${byteas(
          sql,
          names.map(({ agent }) => bytes(agent)),
        )}, ${byteas(
          sql,
          names.map(({ epoch }) => bytes(epoch)),
        )},
        ${byteas(
          sql,
          names.map(({ stream }) => bytes(stream)),
        )}, ${int8s(
          sql,
          names.map(({ lane }) => lane),
        )}
      ) with ordinality as n (agent, epoch, stream, lane, at)
    ), made as (
      insert into lane (agent, epoch, stream, lane, updated_at) select agent, epoch, stream, lane, 0 from fresh order by at
      on conflict do nothing returning id, agent, epoch, stream, lane
    )
    select (at - 1)::int as at, id::float8 as id from made join fresh using (agent, epoch, stream, lane)`;
  if (rows.length !== fresh.length) throw new Raced("a lane is not new any more");
  for (const { at, id } of rows) {
    const plan = fresh[at];
    if (plan === undefined) continue;
    made.set(plan.entry, id);
    for (const event of plan.events) event.lane = id;
  }
  return made;
}

async function makeSeries(sql: SQL, entries: readonly SeriesEntry[]): Promise<ReadonlyMap<SeriesEntry, number>> {
  const made = new Map<SeriesEntry, number>();
  const fresh = entries.filter(({ stored }) => stored === undefined);
  if (fresh.length === 0) return made;
  const vehicles = byteas(
    sql,
    fresh.map(({ vehicle }) => bytes(vehicle)),
  );
  const streams = byteas(
    sql,
    fresh.map(({ stream }) => bytes(stream)),
  );
  const anew = int8s(
    sql,
    fresh.map(({ restored }) => Number(restored > 0)),
  );
  const rows = await sql<{ at: number; id: number }[]>`
    with fresh as (
      select * from unnest(${vehicles}, ${streams}, ${anew}) with ordinality as n (vehicle, stream, anew, at)
    ), made as (
      insert into series (vehicle, stream, anew) select vehicle, stream, anew <> 0 from fresh order by vehicle, stream
      on conflict do nothing returning id, vehicle, stream
    )
    select (at - 1)::int as at, id::float8 as id from made join fresh using (vehicle, stream)`;
  if (rows.length !== fresh.length) throw new Raced("a vehicle's stream is not new any more");
  for (const { at, id } of rows) {
    const entry = fresh[at];
    if (entry !== undefined) made.set(entry, id);
  }
  return made;
}

type IdOf<Entry> = (entry: Entry) => number;

async function copyEvents(
  sql: SQL,
  series: readonly SeriesEntry[],
  idOf: IdOf<SeriesEntry>,
  { days, nowMs }: WriteContext,
): Promise<void> {
  if (series.length === 0) return;
  const encode = (row: CopyEncoder, entry: SeriesEntry) => {
    const id = idOf(entry);
    for (const { time, lane, seq, source, offset, value } of entry.events) {
      row.row(8);
      row.int4(days.of(time, nowMs));
      row.int8(id);
      row.int8(time);
      row.int8(lane);
      row.int8(seq);
      row.int4(source);
      row.int8(offset);
      row.bytea(value);
    }
  };
  const columns = `event (day, series, time, lane, seq, source, "offset", value)`;
  await copyInto(sql, columns, copyChunks(series, encode));
}

async function writeSeries(
  sql: SQL,
  series: readonly SeriesEntry[],
  idOf: IdOf<SeriesEntry>,
  { seen, nowMs }: WriteContext,
): Promise<void> {
  if (series.length === 0) return;
  const encode = (row: CopyEncoder, entry: SeriesEntry) => {
    const { last, counted } = entry;
    row.row(9);
    row.int8(idOf(entry));
    row.int8(seen.get(entry) ?? 0);
    row.int8(counted);
    row.int8(last?.time ?? null);
    row.int8(last?.lane ?? null);
    row.int8(last?.seq ?? null);
    row.int4(last?.source ?? null);
    row.int8(last?.offset ?? null);
    row.bytea(last?.value ?? null);
  };
  await copyInto(sql, "incoming_series", copyChunks(series, encode));
  const { count } = await sql`
    update series s set events = s.events + i.added, changes = s.changes + 1,
      last_time = coalesce(i.last_time, s.last_time),
      last_lane = case when i.last_time is null then s.last_lane else i.last_lane end,
      last_seq = case when i.last_time is null then s.last_seq else i.last_seq end,
      last_source = case when i.last_time is null then s.last_source else i.last_source end,
      last_offset = case when i.last_time is null then s.last_offset else i.last_offset end,
      last_value = case when i.last_time is null then s.last_value else i.last_value end,
      stored_at = case when i.last_time is null then s.stored_at else ${nowMs}::bigint end
    from (select * from incoming_series order by id) i where s.id = i.id and s.changes = i.seen`;
  if (count !== series.length) throw new Raced("a vehicle's stream has gone on");
}

async function copyConflicts(
  sql: SQL,
  conflicts: readonly Doubt[],
  idOf: IdOf<LanePlan["entry"]>,
  nowMs: number,
): Promise<void> {
  if (conflicts.length === 0) return;
  const encode = (row: CopyEncoder, { event, lane, heldBy }: Doubt) => {
    row.row(10);
    row.int8(idOf(lane));
    row.int8(event.seq);
    row.bytea(bytes(event.series.vehicle));
    row.int8(event.time);
    row.int4(event.source);
    row.int8(event.offset);
    row.bytea(event.value);
    row.bytea(bytes(event.sender));
    row.bytea(bytes(heldBy));
    row.int8(nowMs);
  };
  const columns = `conflict (lane, seq, vehicle, time, source, "offset", value, sender, held_by, at)`;
  await copyInto(sql, columns, copyChunks(conflicts, encode));
}

async function writeLanes(
  sql: SQL,
  plans: readonly LanePlan[],
  idOf: IdOf<LanePlan["entry"]>,
  nowMs: number,
): Promise<void> {
  if (plans.length === 0) return;
  const numbers = (of: (plan: LanePlan) => number | null) => int8s(sql, plans.map(of));
  await sql`
    update lane l set first_seq = n.first_seq, next_seq = n.next_seq, sender = n.sender, received = l.received + n.received,
      shed = l.shed + n.shed, dead = l.dead + n.dead, repeated = l.repeated + n.repeated,
      conflicts = l.conflicts + n.conflicts, last_time = coalesce(n.last_time, l.last_time), updated_at = ${nowMs}
    from unnest(
      ${numbers(({ entry }) => idOf(entry))}, ${numbers(({ firstSeq }) => firstSeq)}, ${numbers(({ nextSeq }) => nextSeq)},
      ${byteas(
        sql,
        plans.map(({ sender }) => bytes(sender)),
      )},
      ${numbers(({ ranges }) => ranges.delta.received)}, ${numbers(({ ranges }) => ranges.delta.shed)},
      ${numbers(({ ranges }) => ranges.delta.dead)}, ${numbers(({ repeated }) => repeated)},
      ${numbers(({ conflicts }) => conflicts)}, ${numbers(({ lastTime }) => lastTime ?? null)}
    ) as n (id, first_seq, next_seq, sender, received, shed, dead, repeated, conflicts, last_time)
    where l.id = n.id`;
}

async function writeRanges(sql: SQL, plans: readonly LanePlan[], idOf: IdOf<LanePlan["entry"]>): Promise<void> {
  const changes = plans.map(({ entry, ranges }) => ({ lane: idOf(entry), ...ranges.changes() }));
  const removed = changes.flatMap(({ lane, removed }) => removed.map((first) => ({ lane, first })));
  const put = changes.flatMap(({ lane, put }) => put.map((range) => ({ lane, ...range })));
  const removing =
    removed.length === 0
      ? undefined
      : sql`
    delete from ledger l using unnest(
      ${int8s(
        sql,
        removed.map(({ lane }) => lane),
      )}, ${int8s(
        sql,
        removed.map(({ first }) => first),
      )}
    ) as n (lane, first) where l.lane = n.lane and l.first = n.first`;
  const putting =
    put.length === 0
      ? undefined
      : sql`
    insert into ledger (lane, first, last, kind, reason) select * from unnest(
      ${int8s(
        sql,
        put.map(({ lane }) => lane),
      )}, ${int8s(
        sql,
        put.map(({ first }) => first),
      )},
      ${int8s(
        sql,
        put.map(({ last }) => last),
      )}, ${texts(
        sql,
        put.map(({ kind }) => kind),
      )},
      ${byteas(
        sql,
        put.map(({ reason }) => bytesOrNull(reason)),
      )}
    ) on conflict (lane, first) do update set last = excluded.last, kind = excluded.kind, reason = excluded.reason`;
  await Promise.all([removing, putting]);
}

async function writeHours(sql: SQL, plans: readonly LanePlan[], idOf: IdOf<LanePlan["entry"]>): Promise<void> {
  const tallies = plans.flatMap(({ entry, hours }) =>
    [...hours.all()].map((tally) => ({ lane: idOf(entry), ...tally })),
  );
  if (tallies.length === 0) return;
  const numbers = (of: (tally: (typeof tallies)[number]) => number) => int8s(sql, tallies.map(of));
  await sql`
    insert into tally as t (lane, hour, stored, late, repeated, shed, dead, first_seq, last_seq)
    select * from unnest(
      ${numbers(({ lane }) => lane)}, ${numbers(({ hour }) => hour)}, ${numbers(({ stored }) => stored)},
      ${numbers(({ late }) => late)}, ${numbers(({ repeated }) => repeated)}, ${numbers(({ shed }) => shed)},
      ${numbers(({ dead }) => dead)}, ${numbers(({ firstSeq }) => firstSeq)}, ${numbers(({ lastSeq }) => lastSeq)}
    ) on conflict (lane, hour) do update set stored = t.stored + excluded.stored, late = t.late + excluded.late,
      repeated = t.repeated + excluded.repeated, shed = t.shed + excluded.shed, dead = t.dead + excluded.dead,
      first_seq = least(t.first_seq, excluded.first_seq), last_seq = greatest(t.last_seq, excluded.last_seq)`;
}

async function writeAccounts(sql: SQL, accounts: readonly AccountEntry[], day: number): Promise<void> {
  await Promise.all([
    writeKnown(
      sql,
      accounts.filter(({ stored }) => stored !== undefined),
      day,
    ),
    writeNew(
      sql,
      accounts.filter(({ stored }) => stored === undefined),
      day,
    ),
  ]);
}

async function writeKnown(sql: SQL, accounts: readonly AccountEntry[], day: number): Promise<void> {
  if (accounts.length === 0) return;
  const { name, lanes, series, bytes } = accountColumns(sql, accounts);
  await sql`
    update account a set lanes = a.lanes + n.lanes, series = a.series + n.series,
      bytes = case when a.day = ${day} then a.bytes + n.bytes else n.bytes end, day = ${day}
    from unnest(${name}, ${lanes}, ${series}, ${bytes}) as n (name, lanes, series, bytes)
    where a.name = n.name`;
}

async function writeNew(sql: SQL, accounts: readonly AccountEntry[], day: number): Promise<void> {
  if (accounts.length === 0) return;
  const { name, lanes, series, bytes } = accountColumns(sql, accounts);
  const { count } = await sql`
    insert into account (name, lanes, series, day, bytes)
    select name, lanes, series, ${day}, bytes from unnest(${name}, ${lanes}, ${series}, ${bytes})
      as n (name, lanes, series, bytes) order by name
    on conflict do nothing`;
  if (count !== accounts.length) throw new Raced("an account is not new any more");
}

function accountColumns(sql: SQL, accounts: readonly AccountEntry[]) {
  return {
    name: byteas(
      sql,
      accounts.map(({ name }) => bytes(name)),
    ),
    lanes: int8s(
      sql,
      accounts.map(({ lanes }) => lanes),
    ),
    series: int8s(
      sql,
      accounts.map(({ series }) => series),
    ),
    bytes: int8s(
      sql,
      accounts.map(({ bytes }) => bytes),
    ),
  };
}
