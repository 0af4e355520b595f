/** Writes what an append came to, inside the store's transaction. Decides nothing. */
import type Database from "better-sqlite3";
import type { AccountEntry, Doubt, SeriesEntry } from "../../ledger/entries.ts";
import type { LanePlan, Plan } from "../../ledger/plan.ts";
import type { AsideRow } from "../outcome.ts";
import type { EventWriter } from "./events/writer.ts";

export class PlanWriter {
  private readonly sql;

  constructor(
    database: Database.Database,
    private readonly events: EventWriter,
  ) {
    this.sql = {
      insertLane: database
        .prepare<[string, string, string, number], number>(
          "insert into lane (agent, epoch, stream, lane, updated_at) values (?, ?, ?, ?, 0) returning id",
        )
        .pluck(),
      updateLane: database.prepare(
        `update lane set first_seq = ?, next_seq = ?, sender = ?, received = received + ?, shed = shed + ?, dead = dead + ?,
           repeated = repeated + ?, conflicts = conflicts + ?, last_time = coalesce(?, last_time), updated_at = ?
         where id = ?`,
      ),
      putRange: database.prepare(
        `insert into ledger (lane, first, last, kind, reason) values (?, ?, ?, ?, ?)
         on conflict (lane, first) do update set last = excluded.last, kind = excluded.kind, reason = excluded.reason`,
      ),
      countHour: database.prepare(
        `insert into tally (hour, lane, stored, late, repeated, shed, dead, first_seq, last_seq)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (hour, lane) do update set stored = stored + excluded.stored, late = late + excluded.late,
           repeated = repeated + excluded.repeated, shed = shed + excluded.shed, dead = dead + excluded.dead,
           first_seq = min(first_seq, excluded.first_seq), last_seq = max(last_seq, excluded.last_seq)`,
      ),
      removeRange: database.prepare("delete from ledger where lane = ? and first = ?"),
      insertSeries: database
        .prepare<[string, string, number], number>(
          "insert into series (vehicle, stream, anew) values (?, ?, ?) returning id",
        )
        .pluck(),
      countEvents: database.prepare("update series set events = events + ? where id = ?"),
      lastState: database.prepare(
        `update series set events = events + ?, last_time = ?, last_lane = ?, last_seq = ?, last_source = ?,
           last_offset = ?, last_value = ?, stored_at = ? where id = ?`,
      ),
      account: database.prepare(
        `insert into account (name, lanes, series, day, bytes) values (:name, :lanes, :series, :day, :bytes)
         on conflict (name) do update set lanes = lanes + :lanes, series = series + :series,
           bytes = case when day = :day then bytes + :bytes else :bytes end, day = :day`,
      ),
      insertConflict: database.prepare(
        `insert into conflict (lane, seq, vehicle, time, source, offset, value, sender, held_by, at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      insertDead: database.prepare(
        `insert into dead_letter (source, first_offset, last_offset, reason, identity, key, value, record_time, at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
    };
  }

  write({ lanes, series, accounts, conflicts, day }: Plan, nowMs: number): void {
    const newLanes = new Map<LanePlan["entry"], number>();
    for (const lane of lanes) {
      if (lane.entry.stored === undefined) newLanes.set(lane.entry, this.makeLane(lane));
      this.lane(lane, lane.entry.stored?.id ?? newLanes.get(lane.entry) ?? 0, nowMs);
    }
    for (const one of series) this.series(one, nowMs);
    for (const conflict of conflicts) {
      const { lane } = conflict;
      this.conflict(conflict, lane.stored?.id ?? newLanes.get(lane) ?? 0, nowMs);
    }
    for (const account of accounts) this.account(account, day);
  }

  /** Puts records aside. */
  dead(source: number, rows: readonly AsideRow[], nowMs: number): void {
    for (const { firstOffset, lastOffset, reason, identity, key, value, recordTimeMs } of rows) {
      this.sql.insertDead.run(source, firstOffset, lastOffset, reason, identity, key, value, recordTimeMs, nowMs);
    }
  }

  private makeLane({ entry, events }: LanePlan): number {
    const { agent, epoch, stream, lane } = entry.identity;
    const id = this.sql.insertLane.get(agent, epoch, stream, lane) ?? 0;
    for (const event of events) event.lane = id;
    return id;
  }

  private lane(
    { ranges, hours, firstSeq, nextSeq, sender, repeated, conflicts, lastTime }: LanePlan,
    id: number,
    nowMs: number,
  ): void {
    const { removed, put } = ranges.changes();
    for (const first of removed) this.sql.removeRange.run(id, first);
    for (const { first, last, kind, reason } of put) this.sql.putRange.run(id, first, last, kind, reason);
    for (const { hour, stored, late, repeated: again, shed, dead, firstSeq: first, lastSeq: last } of hours.all()) {
      this.sql.countHour.run(hour, id, stored, late, again, shed, dead, first, last);
    }
    const { received, shed, dead } = ranges.delta;
    this.sql.updateLane.run(
      firstSeq,
      nextSeq,
      sender,
      received,
      shed,
      dead,
      repeated,
      conflicts,
      lastTime ?? null,
      nowMs,
      id,
    );
  }

  private series({ stored, vehicle, stream, events, last, restored, counted }: SeriesEntry, nowMs: number): void {
    const id = stored?.id ?? this.sql.insertSeries.get(vehicle, stream, Number(restored > 0)) ?? 0;
    this.events.write(id, events);
    if (last === undefined) {
      this.sql.countEvents.run(counted, id);
      return;
    }
    const { time, lane, seq, source, offset, value } = last;
    this.sql.lastState.run(counted, time, lane, seq, source, offset, value, nowMs, id);
  }

  private conflict({ event, heldBy }: Doubt, lane: number, nowMs: number): void {
    const { seq, time, source, offset, value, series, sender } = event;
    this.sql.insertConflict.run(lane, seq, series.vehicle, time, source, offset, value, sender, heldBy, nowMs);
  }

  private account({ name, lanes, series, bytes }: AccountEntry, day: number): void {
    this.sql.account.run({ name, lanes, series, bytes, day });
  }
}
