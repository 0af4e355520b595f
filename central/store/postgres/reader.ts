/**
 * The PostgreSQL store's readers' door: a few connections of its own, a read-only transaction of one snapshot a call.
 * Nothing here waits for the writer or holds it up.
 */
import type { SQL } from "bun";
import type { FleetReader } from "../fleet-port.ts";
import { laneRanges } from "../lane-ranges.ts";
import type {
  BooksQuery,
  ConflictRow,
  DeadLetterPage,
  DeadLetterRow,
  EventPage,
  EventQuery,
  GapRow,
  IdPage,
  LaneQuery,
  LaneRange,
  LaneRow,
  PositionRow,
  StateBounds,
  StoreReader,
  Totals,
  VehicleState,
} from "../reader.ts";
import type { DeadLetterChoice, DeadLetterCount, RedriveReader } from "../redrive-port.ts";
import type { ReplayReader } from "../replay-port.ts";
import type { RulesReader } from "../rules-port.ts";
import { daysThere } from "./events/event-days.ts";
import { readEvents } from "./events/scan.ts";
import * as fleet from "./fleet/queries.ts";
import * as queries from "./queries.ts";
import { ReadPool } from "./read-pool.ts";
import { countDeadLetters, readDeadLetters } from "./replay/dead-letters.ts";
import { readSuppressions } from "./replay/erasure.ts";
import { readReplay, readReplays } from "./replay/jobs.ts";
import { readRedrive, readRedrives } from "./replay/redrive-jobs.ts";
import { readAlerts, readRulesSums } from "./rules/alert-rows.ts";

const connections = 4;

export class PostgresReader implements StoreReader {
  readonly fleet: FleetReader = {
    agents: () => this.read("list agents", fleet.readAgents),
    lanes: (agent, take) => this.read("read all lanes", (sql) => fleet.readJoinedLanes(sql, agent, take)),
    agentNames: (after, limit) => this.read("list agents", (sql) => fleet.readAgentNames(sql, after, limit)),
    hours: (query) => this.read("read hours", (sql) => fleet.readHours(sql, query)),
    outages: (query) => this.read("read outages", (sql) => fleet.readOutages(sql, query)),
    fate: (agent, range, limit) => this.read("read a lane's ranges", (sql) => fleet.readFate(sql, agent, range, limit)),
  };
  readonly rules: RulesReader = {
    alerts: (query) => this.read("read alerts", (sql) => readAlerts(sql, query)),
    sums: () => this.read("sum up alerts", readRulesSums),
  };
  readonly replays: ReplayReader = {
    replays: (beforeId, limit) => this.read("list replays", (sql) => readReplays(sql, beforeId, limit)),
    replay: (id) => this.read("read a replay", (sql) => readReplay(sql, id)),
    suppressions: (after, limit) => this.read("list erased vehicles", (sql) => readSuppressions(sql, after, limit)),
  };
  readonly redrives: RedriveReader = {
    jobs: (beforeId, limit) => this.read("list redrives", (sql) => readRedrives(sql, beforeId, limit)),
    job: (id) => this.read("read a redrive", (sql) => readRedrive(sql, id)),
  };
  private readonly pool: ReadPool;

  constructor(address: string) {
    this.pool = new ReadPool(address, connections);
  }

  totals(): Promise<Totals> {
    return this.read("sum up the store", queries.readTotals);
  }

  vehicles(after: string, limit: number, bounds?: StateBounds): Promise<readonly VehicleState[]> {
    return this.read("list vehicles", (sql) => queries.readVehicles(sql, after, limit, bounds));
  }

  vehicle(name: string, bounds?: StateBounds): Promise<VehicleState | undefined> {
    return this.read("read a vehicle's state", (sql) => queries.readVehicle(sql, name, bounds));
  }

  events(query: EventQuery): Promise<EventPage> {
    return this.read("read events", async (sql) => {
      const series = await queries.readSeries(sql, query.vehicle, query.stream);
      return await readEvents(sql, await daysThere(sql), series, query);
    });
  }

  lanes(query: LaneQuery): Promise<readonly LaneRow[]> {
    return this.read("read the ledger", (sql) => queries.readLanes(sql, query));
  }

  ranges(lane: LaneRow, fromSeq: number, limit: number): Promise<readonly LaneRange[]> {
    return this.read("read a lane's ranges", (sql) => rangesOf(sql, lane, fromSeq, limit));
  }

  books(query: BooksQuery, take: (lane: LaneRow, ranges: readonly LaneRange[]) => boolean): Promise<void> {
    return this.read("read the ledger", async (sql) => {
      for (const lane of await queries.readLanes(sql, query)) {
        if (!take(lane, await rangesOf(sql, lane, query.fromSeq, query.rangesMax))) return;
      }
    });
  }

  positions(): Promise<readonly PositionRow[]> {
    return this.read("read positions", queries.readPositions);
  }

  quarantined(): Promise<readonly string[]> {
    return this.read("list who is in quarantine", queries.readQuarantined);
  }

  deadLetters(page: DeadLetterPage): Promise<readonly DeadLetterRow[]> {
    return this.read("read dead letters", (sql) => readDeadLetters(sql, page));
  }

  countDeadLetters(choice: DeadLetterChoice): Promise<DeadLetterCount> {
    return this.read("count dead letters", (sql) => countDeadLetters(sql, choice));
  }

  gaps(page: IdPage): Promise<readonly GapRow[]> {
    return this.read("read gaps", (sql) => queries.readGaps(sql, page));
  }

  conflicts(page: IdPage): Promise<readonly ConflictRow[]> {
    return this.read("read conflicts", (sql) => queries.readConflicts(sql, page));
  }

  async close(): Promise<void> {
    await this.pool.close();
  }

  private read<T>(doing: string, work: (sql: SQL) => Promise<T>): Promise<T> {
    return this.pool.read(doing, work);
  }
}

async function rangesOf(sql: SQL, lane: LaneRow, fromSeq: number, limit: number): Promise<readonly LaneRange[]> {
  return laneRanges(await queries.readLedger(sql, lane.id, fromSeq, limit), fromSeq, lane, limit);
}
