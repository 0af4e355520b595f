/**
 * The PostgreSQL store's readers' door: a few connections of its own, a read-only transaction of one snapshot a call.
 * Nothing here waits for the writer or holds it up.
 */
import { SQL } from "bun";
import { withDeadline } from "../../../shared/async/deadline.ts";
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
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
import { clientOptions } from "./address.ts";
import { countDeadLetters, readDeadLetters } from "./dead-letters.ts";
import { daysThere } from "./event-days.ts";
import { readEvents } from "./event-scan.ts";
import { sqlState, storeFailure } from "./failure.ts";
import * as fleet from "./fleet-queries.ts";
import { inspectStore } from "./migrate.ts";
import * as queries from "./queries.ts";
import { readRedrive, readRedrives } from "./redrive-jobs.ts";
import { readerName } from "./take-over.ts";

/** A read holds nobody up; it ends before whoever asks has gone. */
const bounds = { lockMs: 2_000, statementMs: 20_000, idleMs: 20_000 } as const;
const readMs = 25_000;
const connections = 4;

/** "No such table": a day's table was dropped while it was read. */
const tableGone = "42P01";

export class PostgresReader implements StoreReader {
  readonly fleet: FleetReader = {
    agents: () => this.read("list agents", fleet.readAgents),
    lanes: (agent, take) => this.read("read all lanes", (sql) => fleet.readJoinedLanes(sql, agent, take)),
    agentNames: (after, limit) => this.read("list agents", (sql) => fleet.readAgentNames(sql, after, limit)),
    hours: (query) => this.read("read hours", (sql) => fleet.readHours(sql, query)),
    outages: (query) => this.read("read outages", (sql) => fleet.readOutages(sql, query)),
    fate: (agent, range, limit) => this.read("read a lane's ranges", (sql) => fleet.readFate(sql, agent, range, limit)),
  };
  readonly redrives: RedriveReader = {
    jobs: (beforeId, limit) => this.read("list redrives", (sql) => readRedrives(sql, beforeId, limit)),
    job: (id) => this.read("read a redrive", (sql) => readRedrive(sql, id)),
  };
  private pool: SQL | undefined;
  private closed = false;

  constructor(private readonly address: string) {}

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
    this.closed = true;
    await this.drop();
  }

  private async read<T>(doing: string, work: (sql: SQL) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        const late = () => new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: the server took too long`);
        const pool = this.open();
        return await withDeadline(pool.begin("isolation level repeatable read read only", work), readMs, late);
      } catch (thrown) {
        if (sqlState(thrown) === tableGone && tries === 1) continue;
        const failure = await this.explain(doing, thrown);
        if (hasCode(failure, "CENTRAL_STORE_UNAVAILABLE")) await this.drop();
        if (!hasCode(failure, "CENTRAL_RECORD_POISON")) throw failure;
        // A query has no record to blame.
        throw new AppError("INVARIANT", doing, { cause: thrown });
      }
    }
  }

  /** Where the server answers and the question fails, something else may stand in the place of our tables. */
  private async explain(doing: string, thrown: unknown): Promise<AppError> {
    const failure = storeFailure(doing, thrown);
    if (this.closed || (sqlState(thrown) === undefined && !hasCode(failure, "CENTRAL_RECORD_POISON"))) return failure;
    try {
      const late = () => new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: the server took too long`);
      if ((await withDeadline(inspectStore(this.open()), readMs, late)) !== undefined) return failure;
      return gone(`${doing}: there is no store in the database`);
    } catch (inspected) {
      if (hasCode(inspected, "CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION")) return gone(inspected.message);
      return failure;
    }
  }

  private open(): SQL {
    if (this.closed) throw new AppError("CENTRAL_STORE_UNAVAILABLE", "read the store: it was closed");
    this.pool ??= new SQL(
      clientOptions(this.address, { applicationName: readerName, connections, bounds, settings: { jit: "off" } }),
    );
    return this.pool;
  }

  /** Others may be reading through it: they meet the same failure. */
  private async drop(): Promise<void> {
    const pool = this.pool;
    this.pool = undefined;
    await pool?.close({ timeout: 0 }).catch(() => {}); // It is given up either way.
  }
}

function gone(message: string): AppError {
  return new AppError("CENTRAL_STORE_UNAVAILABLE", message, {
    hint: "Put its tables back, and it goes on by itself; or stop central and start it to begin with an empty store.",
  });
}

async function rangesOf(sql: SQL, lane: LaneRow, fromSeq: number, limit: number): Promise<readonly LaneRange[]> {
  return laneRanges(await queries.readLedger(sql, lane.id, fromSeq, limit), fromSeq, lane, limit);
}
