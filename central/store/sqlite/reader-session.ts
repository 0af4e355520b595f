import type Database from "better-sqlite3";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { LaneIdentity } from "../../../shared/identity/identity.ts";
import { clockIsAhead } from "../../ledger/last-state.ts";
import type { LedgerRow } from "../lane-ranges.ts";
import type {
  ConflictRow,
  DeadLetterPage,
  DeadLetterRow,
  EventRow,
  GapRow,
  IdPage,
  LaneQuery,
  LaneRow,
  PositionRow,
  StateBounds,
  Totals,
  VehicleState,
} from "../reader.ts";
import type { StoredEvent } from "./events/chunk-codec.ts";
import { EventScan } from "./events/scan.ts";
import { FleetSession } from "./fleet/session.ts";
import { DeadLetters } from "./replay/dead-letters.ts";
import { readSuppressions } from "./replay/erasure.ts";
import { ReplayJobReader } from "./replay/jobs.ts";
import { RedriveJobReader } from "./replay/redrive-jobs.ts";

interface SeriesRow {
  readonly vehicle: string;
  readonly stream: string;
  readonly events: number;
  readonly timeMs: number;
  readonly storedAtMs: number;
  readonly value: Buffer | null;
  readonly valueSize: number;
  readonly agent: string | null;
}

const unbounded: StateBounds = { valueBytesMax: 2 ** 31, bytesMax: Number.POSITIVE_INFINITY };

type Nullable<T, Keys extends keyof T> = Omit<T, Keys> & { readonly [Key in Keys]: Exclude<T[Key], undefined> | null };

const seriesColumns = `vehicle, stream, events, last_time as timeMs, stored_at as storedAtMs,
  substr(last_value, 1, ?) as value, coalesce(length(last_value), 0) as valueSize,
  (select agent from lane where lane.id = last_lane) as agent`;
const laneColumns = `id, agent, epoch, stream, lane, first_seq as beforeFirst,
  next_seq as nextSeq, received, shed, dead, repeated, conflicts,
  next_seq - first_seq - received - shed - dead as missing, last_time as lastTimeMs, updated_at as updatedAtMs`;

/** A sum that stops at the greatest number JavaScript can tell from its neighbours, where `sum` itself would fail. */
function sum(column: string): string {
  return `cast(min(total(${column}), ${Number.MAX_SAFE_INTEGER}) as integer)`;
}

/** Statements of one connection; each method is one or a few of them. */
export class ReaderSession {
  readonly scan: EventScan;
  private fleetSession: FleetSession | undefined;
  readonly jobs: ReplayJobReader;
  readonly redrives: RedriveJobReader;
  readonly letters: DeadLetters;
  readonly suppressions: ReturnType<typeof readSuppressions>;
  private readonly laneNames = new Map<number, LaneIdentity>();
  private readonly sources = new Map<number, { readonly topic: string; readonly partition: number }>();
  private readonly sql;

  constructor(readonly database: Database.Database) {
    this.scan = new EventScan(database);
    this.jobs = new ReplayJobReader(database);
    this.redrives = new RedriveJobReader(database);
    this.letters = new DeadLetters(database);
    this.suppressions = readSuppressions(database);
    this.sql = {
      sums: database.prepare<[], Omit<Totals, "gaps" | "vehicles" | "deadLettered"> & { deadLettered: number }>(
        `select (select ${sum("stored")} from source) as stored,
           (select ${sum("foreign_events")} from source) as withoutIdentity,
           (select ${sum("dead")} from source) as deadLettered,
           ${sum("first_seq")} as beforeFirst, ${sum("next_seq - first_seq - received - shed - dead")} as missing, ${sum("repeated")} as repeated,
           ${sum("conflicts")} as conflicts, ${sum("shed")} as shed from lane`,
      ),
      gapCount: database.prepare<[], number>("select count(*) from gap").pluck(),
      vehicleCount: database
        .prepare<[], number>("select count(distinct vehicle) from series where last_time is not null")
        .pluck(),
      vehicleNames: database
        .prepare<[string, number], string>(
          `select distinct vehicle from series where vehicle > ? and last_time is not null order by vehicle limit ?`,
        )
        .pluck(),
      vehicle: database.prepare<[number, string], SeriesRow>(
        `select ${seriesColumns} from series where vehicle = ? and last_time is not null order by stream`,
      ),
      seriesIds: database.prepare<[string], { id: number; stream: string }>(
        "select id, stream from series where vehicle = ?",
      ),
      lanes: database.prepare<[number, string | null, string | null, number], Nullable<LaneRow, "lastTimeMs">>(
        `select ${laneColumns} from lane where id > ? and agent = coalesce(?, agent) and stream = coalesce(?, stream)
         order by id limit ?`,
      ),
      lane: database.prepare<[number], LaneIdentity>("select agent, epoch, stream, lane from lane where id = ?"),
      ledger: database.prepare<[number, number, number], LedgerRow>(
        "select first, last, kind, reason from ledger where lane = ? and last >= ? order by first limit ?",
      ),
      source: database.prepare<[number], { topic: string; partition: number }>(
        "select topic, partition from source where id = ?",
      ),
      positions: database.prepare<[], PositionRow>(
        `select topic, partition, generation, next, stored, updated_at as updatedAtMs from source as this
         where generation = (select max(generation) from source where topic = this.topic and partition = this.partition)
         order by topic, partition`,
      ),
      gaps: database.prepare<[number, number], Nullable<GapRow, "lastOffset">>(
        `select g.id, topic, partition, kind, first_offset as firstOffset, last_offset as lastOffset, at as atMs
         from gap g join source s on s.id = g.source where g.id > ? order by g.id limit ?`,
      ),
      quarantined: database.prepare<[], string>("select name from account where quarantined = 1 order by name").pluck(),
      conflicts: database.prepare<[number, number], ConflictRow>(
        `select c.id, agent, epoch, l.stream, l.lane, seq, vehicle, time as timeMs, topic, partition, offset, value,
           c.sender, held_by as heldBy, at as atMs from conflict c join lane l on l.id = c.lane join source s on s.id = c.source
         where c.id > ? order by c.id limit ?`,
      ),
    };
  }

  /** Its statements are made when somebody first asks. */
  get fleet(): FleetSession {
    this.fleetSession ??= new FleetSession(this.database);
    return this.fleetSession;
  }

  totals(): Totals {
    const sums = this.sql.sums.get();
    invariant(sums !== undefined, "a sum is always one row");
    return { ...sums, gaps: this.sql.gapCount.get() ?? 0, vehicles: this.sql.vehicleCount.get() ?? 0 };
  }

  vehicles(after: string, limit: number, bounds = unbounded): VehicleState[] {
    const found: VehicleState[] = [];
    let bytes = 0;
    for (const name of this.sql.vehicleNames.all(after, limit)) {
      const enough = bytes >= bounds.bytesMax;
      const state = this.vehicle(name, bounds);
      if (state === undefined) continue;
      found.push(state);
      if (enough) break; // this one only shows that there are more
      bytes += state.streams.reduce(
        (sum, { stream, value }) => sum + stream.length + (value?.length ?? 0),
        name.length,
      );
    }
    return found;
  }

  vehicle(name: string, { valueBytesMax, bytesMax } = unbounded): VehicleState | undefined {
    const sizeOf = ({ stream, value }: SeriesRow) => stream.length + (value?.length ?? 0);
    const found = within(this.sql.vehicle.iterate(valueBytesMax, name), bytesMax, sizeOf);
    if (found.rows.length === 0) return undefined;
    const streams = found.rows.map(({ vehicle: _vehicle, agent, ...state }) => ({
      ...state,
      agent: agent ?? undefined,
      clockAhead: clockIsAhead(state.timeMs, state.storedAtMs),
    }));
    return { vehicle: name, streams: found.more ? streams.slice(0, -1) : streams, streamsCut: found.more };
  }

  series(vehicle: string, stream: string | undefined): { id: number; stream: string }[] {
    return this.sql.seriesIds.all(vehicle).filter((row) => stream === undefined || row.stream === stream);
  }

  eventRow(stream: string, { time, source, offset, lane, seq, value }: StoredEvent): EventRow {
    const { topic, partition } = this.source(source);
    return { position: { time, source, offset }, stream, topic, partition, lane: this.laneName(lane), seq, value };
  }

  lanes({ agent, stream, afterId, limit }: LaneQuery): LaneRow[] {
    return this.sql.lanes
      .all(afterId, agent ?? null, stream ?? null, limit)
      .map((row) => ({ ...row, lastTimeMs: row.lastTimeMs ?? undefined }));
  }

  ledgerRows(lane: number, fromSeq: number, limit: number): LedgerRow[] {
    return this.sql.ledger.all(lane, fromSeq, limit);
  }

  positions(): PositionRow[] {
    return this.sql.positions.all();
  }

  deadLetters({ bytesMax = Number.POSITIVE_INFINITY, ...page }: DeadLetterPage): DeadLetterRow[] {
    const sizeOf = ({ key, value, reason }: Pick<DeadLetterRow, "key" | "value" | "reason">) =>
      (key?.length ?? 0) + (value?.length ?? 0) + reason.length;
    const { rows } = within(this.letters.page(page), bytesMax, sizeOf);
    return rows.map((row) => ({ ...row, identity: row.identity ?? undefined }));
  }

  quarantined(): string[] {
    return this.sql.quarantined.all();
  }

  gaps({ afterId, limit }: IdPage): GapRow[] {
    return this.sql.gaps.all(afterId, limit).map((row) => ({ ...row, lastOffset: row.lastOffset ?? undefined }));
  }

  conflicts({ afterId, limit, bytesMax = Number.POSITIVE_INFINITY }: IdPage): ConflictRow[] {
    return within(this.sql.conflicts.iterate(afterId, limit), bytesMax, ({ value }) => value?.length ?? 0).rows;
  }

  source(id: number): { readonly topic: string; readonly partition: number } {
    const found = this.sources.get(id) ?? this.sql.source.get(id);
    invariant(found !== undefined, `source ${id} of an event exists`);
    this.sources.set(id, found);
    return found;
  }

  private laneName(id: number): LaneIdentity | undefined {
    if (id === 0) return undefined;
    const found = this.laneNames.get(id) ?? this.sql.lane.get(id);
    invariant(found !== undefined, `lane ${id} of an event exists`);
    if (this.laneNames.size > 50_000) this.laneNames.clear();
    this.laneNames.set(id, found);
    return found;
  }
}

/** Rows up to the one that passes `bytesMax`, and one more when there is one; only these are ever in memory. */
function within<Row>(
  rows: Iterable<Row>,
  bytesMax: number,
  sizeOf: (row: Row) => number,
): { rows: Row[]; more: boolean } {
  const taken: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    taken.push(row);
    if (bytes >= bytesMax) return { rows: taken, more: true };
    bytes += sizeOf(row);
  }
  return { rows: taken, more: false };
}
