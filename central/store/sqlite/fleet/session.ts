/** What readers of the fleet ask: statements of one connection. */
import type Database from "better-sqlite3";
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
import { type LedgerRow, laneRanges } from "../../lane-ranges.ts";
import {
  type AgentTableRow,
  agentColumns,
  type LaneBeatRow,
  laneBeatColumns,
  laneBeatOf,
  lossesOf,
  missedOf,
  presenceOf,
} from "./rows.ts";

interface LaneTableRow extends LedgerLane {
  readonly id: number;
  readonly agent: string;
  readonly epoch: string;
  readonly stream: string;
  readonly lane: number;
}

interface OutageTableRow {
  readonly id: number;
  readonly agent: string;
  readonly kind: OutageKind;
  readonly fromMs: number;
  readonly toMs: number;
  readonly caughtUpMs: number | null;
  readonly missed: string;
  readonly missedCut: number;
  readonly losses: string;
}

const laneColumns = `id, agent, epoch, stream, lane, first_seq as beforeFirst, next_seq as nextSeq, received, shed, dead,
  next_seq - first_seq - received - shed - dead as missing, updated_at as updatedAtMs`;
/** Books that were closed have a mark in their epoch that no epoch on the wire has. */
const isOpen = "instr(epoch, '~') = 0";
const deadReasons = "('dead', 'damaged')";
/** How far the first hour after those that are asked for is looked for. */
const hoursAfterMax = 62 * 24;

export class FleetSession {
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      agents: database.prepare<[number], AgentTableRow>(`select ${agentColumns} from agent order by agent limit ?`),
      oldest: database.prepare<[], { agent: string; unsentMs: number }>(
        "select agent, min(unsent_at) as unsentMs from lane_beat where unsent_at is not null group by agent",
      ),
      sums: database.prepare<[number], { agent: string; repeated: number; updatedAtMs: number }>(
        `select agent, cast(total(repeated) as integer) as repeated, max(updated_at) as updatedAtMs from lane
         where ${isOpen} group by agent order by agent limit ?`,
      ),
      lanes: database.prepare<[string | null, string | null], LaneTableRow>(
        `select ${laneColumns} from lane where agent = coalesce(?, agent) and stream = coalesce(?, stream) and ${isOpen}`,
      ),
      laneId: database.prepare<[string, string, string, number], LaneTableRow>(
        `select ${laneColumns} from lane where agent = ? and epoch = ? and stream = ? and lane = ?`,
      ),
      deadOf: database.prepare<[], { lane: number; dead: number }>(
        `select lane, sum(last - first + 1) as dead from ledger where kind = 'shed' and reason in ${deadReasons} group by lane`,
      ),
      beats: database.prepare<[string | null], LaneBeatRow & { agent: string }>(
        `select agent, ${laneBeatColumns} from lane_beat where agent = coalesce(?, agent)`,
      ),
      beat: database.prepare<[string, string, string, number], LaneBeatRow>(
        `select ${laneBeatColumns} from lane_beat where agent = ? and stream = ? and epoch = ? and lane = ?`,
      ),
      names: database
        .prepare<[string, string, number], string>(
          `select agent from (select agent from agent where agent > ? union select agent from lane where agent > ?)
           order by agent limit ?`,
        )
        .pluck(),
      tally: database.prepare<[number, number], HourTally>(
        `select hour, stored, late, repeated, shed, dead, first_seq as firstSeq, last_seq as lastSeq from tally
         where hour = ? and lane = ?`,
      ),
      newestHour: database.prepare<[], number | null>("select max(hour) from tally").pluck(),
      ledger: database.prepare<[number, number, number], LedgerRow>(
        "select first, last, kind, reason from ledger where lane = ? and last >= ? order by first limit ?",
      ),
      outages: database.prepare<[Record<string, unknown>], OutageTableRow>(
        `select id, agent, kind, from_at as fromMs, to_at as toMs, caught_up_at as caughtUpMs, missed,
           missed_cut as missedCut, losses from outage
         where agent = coalesce(:agent, agent) and to_at >= :fromMs and from_at < :toMs and (from_at, id) < (:beforeMs, :beforeId)
         order by from_at desc, id desc limit :limit`,
      ),
    };
  }

  agents(): AgentRow[] {
    const oldest = new Map(this.sql.oldest.all().map(({ agent, unsentMs }) => [agent, unsentMs]));
    const sums = new Map(this.sql.sums.all(agentsMax).map((row) => [row.agent, row]));
    const rows = this.sql.agents.all(agentsMax).map((row): AgentRow => {
      const own = sums.get(row.agent);
      sums.delete(row.agent);
      const { repeated = 0, updatedAtMs } = own ?? {};
      const oldestUnsentMs = oldest.get(row.agent);
      return { agent: row.agent, presence: presenceOf(row), oldestUnsentMs, repeated, updatedAtMs };
    });
    for (const { agent, repeated, updatedAtMs } of sums.values()) {
      rows.push({ agent, presence: undefined, oldestUnsentMs: undefined, repeated, updatedAtMs });
    }
    return rows;
  }

  lanes(agent: string | undefined, take: (lane: JoinedLane) => void): void {
    const dead = new Map(this.sql.deadOf.all().map((row) => [row.lane, row.dead]));
    const beats = new Map(this.sql.beats.all(agent ?? null).map((row) => [lanePrefix(row), row]));
    for (const row of this.sql.lanes.iterate(agent ?? null, null)) {
      const { epoch, stream, lane } = row;
      const key = lanePrefix(row);
      const beat = beats.get(key);
      beats.delete(key);
      const ledger = ledgerOf(row, dead.get(row.id) ?? 0);
      take({ agent: row.agent, epoch, stream, lane, ledger, beat: beat && beatOf(beat) });
    }
    for (const beat of beats.values()) {
      const { epoch, stream, lane } = beat;
      take({ agent: beat.agent, epoch, stream, lane, ledger: undefined, beat: beatOf(beat) });
    }
  }

  agentNames(after: string, limit: number): string[] {
    return this.sql.names.all(after, after, limit);
  }

  hours({ agent, stream, fromHour, toHour, holesMax }: HoursQuery): LaneFacts[] {
    const beats = new Map(this.sql.beats.all(agent).map((row) => [lanePrefix(row), row]));
    const facts = this.sql.lanes.all(agent, stream ?? null).map((row): LaneFacts => {
      const key = lanePrefix(row);
      const beat = beats.get(key);
      beats.delete(key);
      const hours = this.hoursOf(row.id, fromHour, toHour);
      const first = hours.reduce((least, { firstSeq }) => Math.min(least, firstSeq), Number.POSITIVE_INFINITY);
      const asked = row.missing > 0 && Number.isFinite(first);
      const { missing, cut } = asked ? this.holes(row, first, holesMax) : { missing: [], cut: false };
      return { agent, stream: row.stream, nextSeq: row.nextSeq, beat: beat && beatOf(beat), hours, missing, cut };
    });
    for (const beat of beats.values()) {
      if (stream !== undefined && beat.stream !== stream) continue;
      facts.push({ agent, stream: beat.stream, nextSeq: 0, beat: beatOf(beat), hours: [], missing: [], cut: false });
    }
    return facts;
  }

  outages({ agent, fromMs, toMs, before, limit }: OutageQuery): OutageRow[] {
    const [beforeMs, beforeId] = before ?? [Number.MAX_SAFE_INTEGER, 0];
    const rows = this.sql.outages.all({ agent: agent ?? null, fromMs, toMs, beforeMs, beforeId, limit });
    return rows.map(({ caughtUpMs, missed, losses, ...row }) => ({
      ...row,
      caughtUpMs: caughtUpMs ?? undefined,
      missed: missedOf(missed),
      losses: lossesOf(losses),
    }));
  }

  fate(agent: string, range: MissedRange, limit: number): Awaited<ReturnType<FleetReader["fate"]>> {
    const { epoch, stream, lane, first, last } = range;
    const row = this.sql.laneId.get(agent, epoch, stream, lane);
    const beat = this.sql.beat.get(agent, stream, epoch, lane);
    const told = beat && laneBeatOf(beat);
    if (row === undefined) return { ranges: [], nextSeq: 0, beat: told };
    const ranges = laneRanges(this.sql.ledger.all(row.id, first, limit), first, row, limit)
      .filter((one) => one.first <= last)
      .map((one) => ({ ...one, last: Math.min(one.last, last) }));
    return { ranges, nextSeq: row.nextSeq, beat: told };
  }

  /** Those that are asked for, and the first one after them. */
  private hoursOf(lane: number, fromHour: number, toHour: number): HourTally[] {
    const hours: HourTally[] = [];
    const newest = this.sql.newestHour.get() ?? 0;
    for (let hour = fromHour; hour <= Math.min(newest, toHour + hoursAfterMax); hour++) {
      const tally = this.sql.tally.get(hour, lane);
      if (tally === undefined) continue;
      hours.push(tally);
      if (hour >= toHour) break;
    }
    return hours;
  }

  private holes(row: LaneTableRow, from: number, limit: number): { missing: Numbers[]; cut: boolean } {
    const rows = this.sql.ledger.all(row.id, from, limit);
    const missing = laneRanges(rows, from, row, limit).filter(({ kind }) => kind === "missing");
    return { missing, cut: rows.length === limit };
  }
}

function ledgerOf(
  { beforeFirst, nextSeq, received, shed, dead, missing, updatedAtMs }: LaneTableRow,
  marked: number,
): LedgerLane {
  return { beforeFirst, nextSeq, received, shed: shed - marked, dead: dead + marked, missing, updatedAtMs };
}

function beatOf({ agent: _agent, ...row }: LaneBeatRow & { agent: string }): LaneBeat {
  return laneBeatOf(row);
}
