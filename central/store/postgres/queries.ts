/** What readers ask, a statement or two each. Bytes are bounded by the server: what passes a page's bound is never sent. */
import type { SQL } from "bun";
import { clockIsAhead } from "../../ledger/last-state.ts";
import type { LedgerRow } from "../lane-ranges.ts";
import type {
  ConflictRow,
  GapRow,
  IdPage,
  LaneQuery,
  LaneRow,
  LastState,
  PositionRow,
  StateBounds,
  Totals,
  VehicleState,
} from "../reader.ts";
import { bytes, bytesOrNull, textOf } from "./values.ts";

const unbounded: StateBounds = { valueBytesMax: 2 ** 30, bytesMax: Number.MAX_SAFE_INTEGER };

/** Sums stop at the greatest number that JavaScript can tell from its neighbours. */
const most = Number.MAX_SAFE_INTEGER;

/** Sums over the whole store. */
export async function readTotals(sql: SQL): Promise<Totals> {
  const [sums] = await sql<Totals[]>`
    select s.*, l.*, (select count(*) from gap)::float8 as gaps,
      (select count(*) from (select distinct vehicle from series where last_time is not null) v)::float8 as vehicles
    from (
      select least(coalesce(sum(stored), 0), ${most}::bigint)::float8 as stored,
        least(coalesce(sum(foreign_events), 0), ${most}::bigint)::float8 as "withoutIdentity",
        least(coalesce(sum(dead), 0), ${most}::bigint)::float8 as "deadLettered" from source
    ) s, (
      select least(coalesce(sum(first_seq), 0), ${most}::bigint)::float8 as "beforeFirst",
        least(coalesce(sum(next_seq - first_seq - received - shed - dead), 0), ${most}::bigint)::float8 as missing,
        least(coalesce(sum(repeated), 0), ${most}::bigint)::float8 as repeated,
        least(coalesce(sum(conflicts), 0), ${most}::bigint)::float8 as conflicts,
        least(coalesce(sum(shed), 0), ${most}::bigint)::float8 as shed from lane
    ) l`;
  if (sums === undefined) throw new Error("a sum is always one row");
  return sums;
}

interface StateRow {
  readonly vehicle: Buffer;
  readonly stream: Buffer;
  readonly events: number;
  readonly timeMs: number;
  readonly storedAtMs: number;
  readonly value: Buffer | null;
  readonly valueSize: number;
  readonly agent: Buffer | null;
}

/** Vehicles one by one, until the bound is passed: the last one then only shows that there are more. */
export async function readVehicles(
  sql: SQL,
  after: string,
  limit: number,
  bounds: StateBounds = unbounded,
): Promise<VehicleState[]> {
  const names = await sql<{ vehicle: Buffer }[]>`
    select distinct vehicle from series where vehicle > ${bytes(after)} and last_time is not null order by vehicle limit ${limit}`;
  const found: VehicleState[] = [];
  let taken = 0;
  for (let from = 0; from < names.length; from += vehiclesAtOnce) {
    const some = names.slice(from, from + vehiclesAtOnce).map(({ vehicle }) => vehicle);
    for (const state of await readStates(sql, some, bounds)) {
      const enough = taken >= bounds.bytesMax;
      found.push(state);
      if (enough) return found;
      taken += state.vehicle.length;
      for (const { stream, value } of state.streams) taken += stream.length + (value?.length ?? 0);
    }
  }
  return found;
}

/** With the bound of each: a few of them are in memory at once. */
const vehiclesAtOnce = 16;

/** One vehicle; undefined when nothing was stored of it. */
export async function readVehicle(
  sql: SQL,
  name: string,
  bounds: StateBounds = unbounded,
): Promise<VehicleState | undefined> {
  const [state] = await readStates(sql, [bytes(name)], bounds);
  return state;
}

async function readStates(
  sql: SQL,
  vehicles: readonly Buffer[],
  { valueBytesMax, bytesMax }: StateBounds,
): Promise<VehicleState[]> {
  // Of each vehicle the rows up to the one that passes the bound, and one more.
  const bound = Number.isFinite(bytesMax) ? bytesMax : most;
  const rows = await sql<StateRow[]>`
    select vehicle, stream, events::float8 as events, last_time::float8 as "timeMs", stored_at::float8 as "storedAtMs",
      substring(last_value from 1 for ${valueBytesMax}::int) as value, coalesce(octet_length(last_value), 0) as "valueSize",
      (select agent from lane where lane.id = t.last_lane) as agent
    from (
      select s.*, lag(so_far, 2, 0) over (partition by vehicle order by stream) as before from (
        select *, sum(octet_length(stream) + least(coalesce(octet_length(last_value), 0), ${valueBytesMax}::bigint))
          over (partition by vehicle order by stream) as so_far
        from series where vehicle = any(${sql.array([...vehicles], "BYTEA")}) and last_time is not null
      ) s
    ) t where before < ${bound}::bigint order by vehicle, stream`;
  const states: { vehicle: string; streams: LastState[] }[] = [];
  for (const { vehicle, stream, agent, ...row } of rows) {
    const name = textOf(vehicle);
    let state = states.at(-1);
    if (state?.vehicle !== name) {
      state = { vehicle: name, streams: [] };
      states.push(state);
    }
    state.streams.push({
      ...row,
      stream: textOf(stream),
      agent: agent === null ? undefined : textOf(agent),
      clockAhead: clockIsAhead(row.timeMs, row.storedAtMs),
    });
  }
  return states.map(({ vehicle, streams }) => cut(vehicle, streams, bytesMax));
}

function cut(vehicle: string, streams: readonly LastState[], bytesMax: number): VehicleState {
  let taken = 0;
  for (const [index, { stream, value }] of streams.entries()) {
    if (taken >= bytesMax) return { vehicle, streams: streams.slice(0, index), streamsCut: true };
    taken += stream.length + (value?.length ?? 0);
  }
  return { vehicle, streams, streamsCut: false };
}

/** Ids of a vehicle's streams, and their names. */
export async function readSeries(
  sql: SQL,
  vehicle: string,
  stream: string | undefined,
): Promise<ReadonlyMap<number, string>> {
  const rows = await sql<{ id: number; stream: Buffer }[]>`
    select id::float8 as id, stream from series
    where vehicle = ${bytes(vehicle)} and stream = coalesce(${bytesOrNull(stream)}::bytea, stream)`;
  return new Map(rows.map((row) => [row.id, textOf(row.stream)]));
}

type Stored<Row, Texts extends keyof Row> = Omit<Row, Texts> & { readonly [Key in Texts]: Buffer };

/** Lanes in the order of their ids. */
export async function readLanes(sql: SQL, { agent, stream, afterId, limit }: LaneQuery): Promise<LaneRow[]> {
  type Found = Stored<Omit<LaneRow, "lastTimeMs">, "agent" | "epoch" | "stream"> & {
    readonly lastTimeMs: number | null;
  };
  const rows = await sql<Found[]>`
    select id::float8 as id, agent, epoch, stream, lane::float8 as lane, first_seq::float8 as "beforeFirst",
      next_seq::float8 as "nextSeq", received::float8 as received, shed::float8 as shed, dead::float8 as dead,
      repeated::float8 as repeated, conflicts::float8 as conflicts,
      (next_seq - first_seq - received - shed - dead)::float8 as missing, last_time::float8 as "lastTimeMs",
      updated_at::float8 as "updatedAtMs"
    from lane where id > ${afterId} and agent = coalesce(${bytesOrNull(agent)}::bytea, agent)
      and stream = coalesce(${bytesOrNull(stream)}::bytea, stream) order by id limit ${limit}`;
  return rows.map((row) => ({
    ...row,
    agent: textOf(row.agent),
    epoch: textOf(row.epoch),
    stream: textOf(row.stream),
    lastTimeMs: row.lastTimeMs ?? undefined,
  }));
}

/** Ranges of a lane from a number on. */
export async function readLedger(sql: SQL, lane: number, fromSeq: number, limit: number): Promise<LedgerRow[]> {
  // The range that holds the number begins before it: one step back in the index, then on.
  const rows = await sql<(Omit<LedgerRow, "reason"> & { readonly reason: Buffer | null })[]>`
    select first::float8 as first, last::float8 as last, kind, reason from ledger
    where lane = ${lane} and last >= ${fromSeq}
      and first >= coalesce((select max(first) from ledger where lane = ${lane} and first <= ${fromSeq}), 0)
    order by first limit ${limit}`;
  return rows.map((row) => ({ ...row, reason: row.reason === null ? null : textOf(row.reason) }));
}

/** How far the present incarnation of each partition is stored. */
export async function readPositions(sql: SQL): Promise<PositionRow[]> {
  const rows = await sql<Stored<PositionRow, "topic">[]>`
    select topic, partition, generation, next::float8 as next, stored::float8 as stored, updated_at::float8 as "updatedAtMs"
    from source this where generation = (
      select max(generation) from source where topic = this.topic and partition = this.partition
    ) order by topic, partition`;
  return rows.map((row) => ({ ...row, topic: textOf(row.topic) }));
}

/** Agents that are in quarantine. */
export async function readQuarantined(sql: SQL): Promise<string[]> {
  const rows = await sql<{ name: Buffer }[]>`select name from account where quarantined order by name`;
  return rows.map(({ name }) => textOf(name));
}

/** Offsets that nobody will read any more. */
export async function readGaps(sql: SQL, { afterId, limit }: IdPage): Promise<GapRow[]> {
  type Found = Stored<Omit<GapRow, "lastOffset">, "topic"> & { readonly lastOffset: number | null };
  const rows = await sql<Found[]>`
    select g.id::float8 as id, topic, partition, kind, first_offset::float8 as "firstOffset",
      last_offset::float8 as "lastOffset", at::float8 as "atMs"
    from gap g join source s on s.id = g.source where g.id > ${afterId} order by g.id limit ${limit}`;
  return rows.map((row) => ({ ...row, topic: textOf(row.topic), lastOffset: row.lastOffset ?? undefined }));
}

/** Records under the identity of another one, up to the page's bounds. */
export async function readConflicts(sql: SQL, { afterId, limit, bytesMax = most }: IdPage): Promise<ConflictRow[]> {
  type Texts = "agent" | "epoch" | "stream" | "vehicle" | "topic" | "sender" | "heldBy";
  const rows = await sql<Stored<ConflictRow, Texts>[]>`
    select id::float8 as id, agent, epoch, stream, lane::float8 as lane, seq::float8 as seq, vehicle, time::float8 as "timeMs",
      topic, partition, "offset"::float8 as offset, value, sender, held_by as "heldBy", at::float8 as "atMs"
    from (
      select p.*, lag(so_far, 2, 0) over (order by id) as before from (
        select *, sum(coalesce(octet_length(value), 0)) over (order by id) as so_far from (
          select c.id, c.seq, c.vehicle, c.time, c."offset", c.value, c.sender, c.held_by, c.at,
            l.agent, l.epoch, l.stream, l.lane, s.topic, s.partition
          from conflict c join lane l on l.id = c.lane join source s on s.id = c.source
          where c.id > ${afterId} order by c.id limit ${limit}
        ) c
      ) p
    ) t where before < ${bytesMax}::bigint order by id`;
  return rows.map((row) => ({
    ...row,
    agent: textOf(row.agent),
    epoch: textOf(row.epoch),
    stream: textOf(row.stream),
    vehicle: textOf(row.vehicle),
    topic: textOf(row.topic),
    sender: textOf(row.sender),
    heldBy: textOf(row.heldBy),
  }));
}
