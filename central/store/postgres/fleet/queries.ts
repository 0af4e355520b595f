/** What readers of the fleet ask: one snapshot a call. What it means is decided by central/fleet/. */
import type { SQL } from "bun";
import { lanePrefix } from "../../../../shared/identity/identity.ts";
import type { LaneFacts, Numbers } from "../../../fleet/completeness.ts";
import type { LedgerLane } from "../../../fleet/lane-book.ts";
import type { LaneBeat, MissedRange, OutageKind } from "../../../fleet/presence.ts";
import type { HourTally } from "../../../ledger/hours.ts";
import {
  type AgentRow,
  agentsMax,
  type FleetReader,
  type HoursQuery,
  type JoinedLane,
  type OutageQuery,
  type OutageRow,
} from "../../fleet-port.ts";
import { laneRanges } from "../../lane-ranges.ts";
import type { LaneRow } from "../../reader.ts";
import { readLanes, readLedger } from "../queries.ts";
import { byteas, bytes, bytesOrNull, int8s, textOf } from "../values.ts";
import { laneBeatsOf, lossesOf, missedOf, presenceOf } from "./rows.ts";

/** Lanes that are in memory at once. */
const lanesAtOnce = 5_000;
/** No agent has as many: its quota ends before. */
const lanesMax = 2 ** 31 - 1;
/** How far the first hour after those that are asked for is looked for. */
const hoursAfterMax = 62 * 24;
const deadReasons = ["dead", "damaged"];

type AgentBeat = LaneBeat & { readonly agent: string };

/** Everybody who has said something, and everybody of whom something was stored. */
export async function readAgents(sql: SQL): Promise<AgentRow[]> {
  const told = await sql<{ agent: Buffer; presence: Buffer; oldestUnsentMs: number | null }[]>`
    select agent, presence, oldest_unsent::float8 as "oldestUnsentMs" from agent order by agent limit ${agentsMax}`;
  const found = await sql<{ agent: Buffer; repeated: number; updatedAtMs: number }[]>`
    select agent, sum(repeated)::float8 as repeated, max(updated_at)::float8 as "updatedAtMs" from lane
    where position('~'::bytea in epoch) = 0 group by agent order by agent limit ${agentsMax}`;
  const sums = new Map(found.map((row) => [textOf(row.agent), row]));
  const rows = told.map(({ agent, presence, oldestUnsentMs }): AgentRow => {
    const name = textOf(agent);
    const { repeated = 0, updatedAtMs } = sums.get(name) ?? {};
    sums.delete(name);
    return {
      agent: name,
      presence: presenceOf(presence),
      oldestUnsentMs: oldestUnsentMs ?? undefined,
      repeated,
      updatedAtMs,
    };
  });
  for (const [agent, { repeated, updatedAtMs }] of sums) {
    rows.push({ agent, presence: undefined, oldestUnsentMs: undefined, repeated, updatedAtMs });
  }
  return rows;
}

/** All lanes of the ledger, and after them those that only a heartbeat names. */
export async function readJoinedLanes(
  sql: SQL,
  agent: string | undefined,
  take: (lane: JoinedLane) => void,
): Promise<void> {
  const marked = await sql<{ lane: number; dead: number }[]>`
    select lane::float8 as lane, sum(last - first + 1)::float8 as dead from ledger
    where kind = 'shed' and reason = any(${byteas(sql, deadReasons.map(bytes))}) group by lane`;
  const dead = new Map(marked.map((row) => [row.lane, row.dead]));
  const beats = await readBeats(sql, agent);
  for (let afterId = 0; ; ) {
    const rows = await readLanes(sql, { agent, stream: undefined, afterId, limit: lanesAtOnce });
    for (const row of rows) {
      afterId = row.id;
      if (!isOpen(row)) continue;
      const { epoch, stream, lane } = row;
      const beat = taken(beats, row);
      take({ agent: row.agent, epoch, stream, lane, ledger: ledgerOf(row, dead.get(row.id) ?? 0), beat });
    }
    if (rows.length < lanesAtOnce) break;
  }
  for (const { agent: own, ...beat } of beats.values()) {
    const { epoch, stream, lane } = beat;
    take({ agent: own, epoch, stream, lane, ledger: undefined, beat });
  }
}

/** Names after a name. */
export async function readAgentNames(sql: SQL, after: string, limit: number): Promise<string[]> {
  const rows = await sql<{ agent: Buffer }[]>`
    (select agent from agent where agent > ${bytes(after)} order by agent limit ${limit})
    union (select distinct agent from lane where agent > ${bytes(after)} order by agent limit ${limit})
    order by agent limit ${limit}`;
  return rows.map(({ agent }) => textOf(agent));
}

/** An agent's lanes, hour by hour, and the holes of those hours. */
export async function readHours(sql: SQL, query: HoursQuery): Promise<LaneFacts[]> {
  const { agent, stream, holesMax } = query;
  const beats = await readBeats(sql, agent);
  const found = await readLanes(sql, { agent, stream, afterId: 0, limit: lanesMax });
  const lanes = found.filter(isOpen);
  const hoursOf = await readTallies(sql, lanes, query);
  const facts: LaneFacts[] = [];
  for (const row of lanes) {
    const beat = taken(beats, row);
    const hours = hoursOf.get(row.id) ?? [];
    const first = hours.reduce((least, { firstSeq }) => Math.min(least, firstSeq), Number.POSITIVE_INFINITY);
    const asked = row.missing > 0 && Number.isFinite(first);
    const { missing, cut } = asked ? await readHoles(sql, row, first, holesMax) : { missing: [], cut: false };
    facts.push({ agent, stream: row.stream, nextSeq: row.nextSeq, beat, hours, missing, cut });
  }
  for (const { agent: _, ...beat } of beats.values()) {
    if (stream !== undefined && beat.stream !== stream) continue;
    facts.push({ agent, stream: beat.stream, nextSeq: 0, beat, hours: [], missing: [], cut: false });
  }
  return facts;
}

/** The newest first, after the last one of the page before. */
export async function readOutages(sql: SQL, { agent, fromMs, toMs, before, limit }: OutageQuery): Promise<OutageRow[]> {
  const [beforeMs, beforeId] = before ?? [Number.MAX_SAFE_INTEGER, 0];
  const rows = await sql<OutageTableRow[]>`
    select id::float8 as id, agent, kind, from_at::float8 as "fromMs", to_at::float8 as "toMs",
      caught_up_at::float8 as "caughtUpMs", missed, missed_cut as "missedCut", losses
    from outage
    where agent = coalesce(${bytesOrNull(agent)}::bytea, agent) and to_at >= ${fromMs} and from_at < ${toMs}
      and (from_at, id) < (${beforeMs}::bigint, ${beforeId}::bigint)
    order by from_at desc, id desc limit ${limit}`;
  return rows.map((row) => ({
    ...row,
    agent: textOf(row.agent),
    caughtUpMs: row.caughtUpMs ?? undefined,
    missed: missedOf(row.missed),
    losses: lossesOf(row.losses),
  }));
}

interface OutageTableRow {
  readonly id: number;
  readonly agent: Buffer;
  readonly kind: OutageKind;
  readonly fromMs: number;
  readonly toMs: number;
  readonly caughtUpMs: number | null;
  readonly missed: Buffer;
  readonly missedCut: number;
  readonly losses: Buffer;
}

/** What the ledger says of numbers that waited. */
export async function readFate(
  sql: SQL,
  agent: string,
  range: MissedRange,
  limit: number,
): ReturnType<FleetReader["fate"]> {
  const { epoch, stream, lane, first, last } = range;
  const beat = taken(await readBeats(sql, agent), { agent, ...range });
  const [row] = await sql<{ id: number; beforeFirst: number; nextSeq: number }[]>`
    select id::float8 as id, first_seq::float8 as "beforeFirst", next_seq::float8 as "nextSeq" from lane
    where agent = ${bytes(agent)} and epoch = ${bytes(epoch)} and stream = ${bytes(stream)} and lane = ${lane}`;
  if (row === undefined) return { ranges: [], nextSeq: 0, beat };
  const ranges = laneRanges(await readLedger(sql, row.id, first, limit), first, row, limit)
    .filter((one) => one.first <= last)
    .map((one) => ({ ...one, last: Math.min(one.last, last) }));
  return { ranges, nextSeq: row.nextSeq, beat };
}

async function readBeats(sql: SQL, agent: string | undefined): Promise<Map<string, AgentBeat>> {
  const rows = await sql<{ agent: Buffer; lanes: Buffer }[]>`
    select agent, lanes from agent where agent = coalesce(${bytesOrNull(agent)}::bytea, agent) order by agent`;
  const beats = new Map<string, AgentBeat>();
  for (const row of rows) {
    const own = textOf(row.agent);
    for (const beat of laneBeatsOf(row.lanes)) {
      const named = { ...beat, agent: own };
      beats.set(lanePrefix(named), named);
    }
  }
  return beats;
}

/** A lane's heartbeat, which then is not any more among those that no lane has. */
function taken(beats: Map<string, AgentBeat>, lane: Parameters<typeof lanePrefix>[0]): LaneBeat | undefined {
  const key = lanePrefix(lane);
  const found = beats.get(key);
  if (found === undefined) return undefined;
  beats.delete(key);
  const { agent: _, ...beat } = found;
  return beat;
}

/** Of each lane the hours that are asked for, and the first one after them. */
async function readTallies(
  sql: SQL,
  lanes: readonly LaneRow[],
  { fromHour, toHour }: HoursQuery,
): Promise<ReadonlyMap<number, readonly HourTally[]>> {
  const byLane = new Map<number, HourTally[]>(lanes.map(({ id }) => [id, []]));
  if (lanes.length === 0) return byLane;
  const rows = await sql<(HourTally & { readonly lane: number })[]>`
    select t.lane::float8 as lane, t.hour::float8 as hour, stored::float8 as stored, late::float8 as late,
      repeated::float8 as repeated, shed::float8 as shed, dead::float8 as dead, first_seq::float8 as "firstSeq",
      last_seq::float8 as "lastSeq"
    from unnest(${int8s(sql, [...byLane.keys()])}) as n (lane) cross join lateral (
      (select * from tally where lane = n.lane and hour >= ${fromHour} and hour < ${toHour})
      union all
      (select * from tally where lane = n.lane and hour >= ${toHour} and hour <= ${toHour + hoursAfterMax} order by hour limit 1)
    ) t order by t.lane, t.hour`;
  for (const { lane, ...tally } of rows) byLane.get(lane)?.push(tally);
  return byLane;
}

async function readHoles(
  sql: SQL,
  row: LaneRow,
  from: number,
  limit: number,
): Promise<{ readonly missing: readonly Numbers[]; readonly cut: boolean }> {
  const rows = await readLedger(sql, row.id, from, limit);
  const missing = laneRanges(rows, from, row, limit).filter(({ kind }) => kind === "missing");
  return { missing, cut: rows.length === limit };
}

/** Books that were closed have a mark in their epoch that no epoch on the wire has. */
function isOpen({ epoch }: LaneRow): boolean {
  return !epoch.includes("~");
}

function ledgerOf(
  { beforeFirst, nextSeq, received, shed, dead, missing, updatedAtMs }: LaneRow,
  marked: number,
): LedgerLane {
  return { beforeFirst, nextSeq, received, shed: shed - marked, dead: dead + marked, missing, updatedAtMs };
}
