/** Keeps heartbeats, inside the store's transaction. What they come to is decided by central/fleet/presence.ts. */
import type Database from "better-sqlite3";
import {
  type HeardBeat,
  hasCaughtUp,
  hear,
  type KnownAgent,
  type LaneBeat,
  type PastOutage,
} from "../../../fleet/presence.ts";
import { agentsMax, forgottenAfterMs, type HearResult, outagesMax } from "../../fleet-port.ts";
import {
  type AgentTableRow,
  agentColumns,
  type LaneBeatRow,
  laneBeatColumns,
  laneBeatOf,
  missedOf,
  presenceOf,
} from "./rows.ts";

export class FleetWriter {
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      agent: database.prepare<[string], AgentTableRow>(`select ${agentColumns} from agent where agent = ?`),
      lanes: database.prepare<[string], LaneBeatRow>(`select ${laneBeatColumns} from lane_beat where agent = ?`),
      count: database.prepare<[], number>("select count(*) from agent").pluck(),
      longest: database.prepare<[], { agent: string; heard_at: number }>(
        "select agent, heard_at from agent order by heard_at limit 1",
      ),
      put: database.prepare(
        `insert or replace into agent (agent, heard_at, run, n, every_ms, started_at, clock_offset, version, config,
           backlog_events, backlog_bytes, free_disk, stopping, last_outage, losses)
         values (:agent, :heardMs, :run, :n, :everyMs, :startedMs, :clockOffsetMs, :version, :config, :backlogEvents,
           :backlogBytes, :freeDiskBytes, :stopping, :lastOutage, :losses)`,
      ),
      putLane: database.prepare(
        `insert or replace into lane_beat (agent, stream, epoch, lane, destination, assigned, unsent_from, held, unsent_at,
           hours, heard_at, sent_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      dropLanes: database.prepare("delete from lane_beat where agent = ?"),
      insertOutage: database.prepare(
        `insert into outage (agent, kind, from_at, to_at, caught_up_at, missed, missed_cut, losses)
         values (?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      trimOutages: database.prepare(
        `delete from outage where agent = ? and id <= (select id from outage where agent = ? order by id desc limit 1 offset ?)`,
      ),
      open: database.prepare<[string], { id: number; missed: string }>(
        "select id, missed from outage where agent = ? and caught_up_at is null",
      ),
      caughtUp: database.prepare("update outage set caught_up_at = ? where id = ?"),
      dropAgent: database.prepare("delete from agent where agent = ?"),
      dropOutages: database.prepare("delete from outage where agent = ?"),
    };
  }

  hear(beats: readonly HeardBeat[], nowMs: number): HearResult {
    const result = { kept: 0, older: 0, tooMany: 0 };
    for (const beat of beats) result[this.hearOne(beat, nowMs)]++;
    return result;
  }

  /** As if it had never said a word. */
  forget(agent: string): void {
    this.sql.dropAgent.run(agent);
    this.sql.dropLanes.run(agent);
    this.sql.dropOutages.run(agent);
  }

  private hearOne(beat: HeardBeat, nowMs: number): keyof HearResult {
    const { agent } = beat.beat;
    const known = this.known(agent);
    if (known === undefined && !this.hasRoom(nowMs)) return "tooMany";
    const heard = hear(known, beat);
    if (heard === undefined) return "older";
    const { presence, lanes, outages } = heard;
    const { freeDiskBytes = null, stopping, losses } = presence;
    this.sql.put.run({ ...presence, freeDiskBytes, stopping: Number(stopping), losses: JSON.stringify(losses) });
    this.putLanes(agent, lanes);
    for (const { id, missed } of this.sql.open.all(agent)) {
      if (hasCaughtUp(missedOf(missed), lanes)) this.sql.caughtUp.run(presence.heardMs, id);
    }
    for (const outage of outages) this.putOutage(agent, outage, lanes, presence.heardMs);
    return "kept";
  }

  private known(agent: string): KnownAgent | undefined {
    const row = this.sql.agent.get(agent);
    if (row === undefined) return undefined;
    return { presence: presenceOf(row), lanes: this.sql.lanes.all(agent).map(laneBeatOf) };
  }

  private putLanes(agent: string, lanes: readonly LaneBeat[]): void {
    this.sql.dropLanes.run(agent);
    for (const { stream, epoch, lane, to, assigned, unsentFrom, held, unsentMs, hours, heardMs, sentMs } of lanes) {
      const unsent = unsentMs ?? null;
      const told = JSON.stringify(hours);
      this.sql.putLane.run(agent, stream, epoch, lane, to, assigned, unsentFrom, held, unsent, told, heardMs, sentMs);
    }
  }

  private putOutage(agent: string, outage: PastOutage, lanes: readonly LaneBeat[], heardMs: number): void {
    const { kind, fromMs, toMs, missed, missedCut, losses } = outage;
    const caughtUp = hasCaughtUp(missed, lanes) ? Math.max(toMs, missed.length === 0 ? toMs : heardMs) : null;
    const [told, lost] = [JSON.stringify(missed), JSON.stringify(losses)];
    this.sql.insertOutage.run(agent, kind, fromMs, toMs, caughtUp, told, missedCut, lost);
    this.sql.trimOutages.run(agent, agent, outagesMax);
  }

  /** A new name finds room, or takes that of one who has been silent for a month. */
  private hasRoom(nowMs: number): boolean {
    if ((this.sql.count.get() ?? 0) < agentsMax) return true;
    const longest = this.sql.longest.get();
    if (longest === undefined || nowMs - longest.heard_at < forgottenAfterMs) return false;
    this.forget(longest.agent);
    return true;
  }
}
