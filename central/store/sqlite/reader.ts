/** The SQLite store's readers' door: a read-only connection of its own, a read transaction a call. */
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
import type { ReplayReader } from "../replay-port.ts";
import { mergeEvents } from "./events/scan.ts";
import { storeFailure } from "./failure.ts";
import { fileIdentity, logIdentity, openReader, sharedMemoryIsWritable } from "./open.ts";
import { ReaderSession } from "./reader-session.ts";
import { SqliteRulesReader } from "./rules/reader.ts";

export class SqliteReader implements StoreReader {
  private readonly fleetReader: FleetReader = {
    agents: () => this.read("list agents", ({ fleet }) => fleet.agents()),
    lanes: (agent, take) => this.read("read all lanes", ({ fleet }) => fleet.lanes(agent, take)),
    agentNames: (after, limit) => this.read("list agents", ({ fleet }) => fleet.agentNames(after, limit)),
    hours: (query) => this.read("read hours", ({ fleet }) => fleet.hours(query)),
    outages: (query) => this.read("read outages", ({ fleet }) => fleet.outages(query)),
    fate: (agent, range, limit) => this.read("read a lane's ranges", ({ fleet }) => fleet.fate(agent, range, limit)),
  };
  private session: ReaderSession | undefined;
  private file: string | undefined;
  private log: string | undefined;
  /** It may stay open when the read is over; undefined until it has read. */
  private stays: boolean | undefined;

  readonly rules = new SqliteRulesReader((doing, work) => this.read(doing, ({ database }) => work(database)));
  readonly replays: ReplayReader = {
    replays: (beforeId, limit) => this.read("list replays", ({ jobs }) => jobs.jobs(beforeId, limit)),
    replay: (id) => this.read("read a replay", ({ jobs }) => jobs.job(id)),
    suppressions: (after, limit) => this.read("list erased vehicles", (session) => session.suppressions(after, limit)),
  };

  readonly redrives: RedriveReader = {
    jobs: (beforeId, limit) => this.read("list redrives", ({ redrives }) => redrives.jobs(beforeId, limit)),
    job: (id) => this.read("read a redrive", ({ redrives }) => redrives.job(id)),
  };

  constructor(private readonly path: string) {}

  get fleet(): FleetReader | undefined {
    return this.fleetReader;
  }

  totals(): Promise<Totals> {
    return this.read("sum up the store", (session) => session.totals());
  }

  vehicles(after: string, limit: number, bounds?: StateBounds): Promise<readonly VehicleState[]> {
    return this.read("list vehicles", (session) => session.vehicles(after, limit, bounds));
  }

  vehicle(name: string, bounds?: StateBounds): Promise<VehicleState | undefined> {
    return this.read("read a vehicle's state", (session) => session.vehicle(name, bounds));
  }

  events(query: EventQuery): Promise<EventPage> {
    return this.read("read events", (session) => {
      const { order, after, fromMs, limit, bytesMax = Number.POSITIVE_INFINITY } = query;
      const range = { fromMs, lastMs: query.toMs - 1, order, after };
      const inputs = session
        .series(query.vehicle, query.stream)
        .flatMap(({ id, stream }) => session.scan.sources(id, range).map((events) => ({ origin: stream, events })));
      const { merged, more } = mergeEvents(inputs, order, { limit, bytesMax });
      return { events: merged.map(({ origin, event }) => session.eventRow(origin, event)), more };
    });
  }

  lanes(query: LaneQuery): Promise<readonly LaneRow[]> {
    return this.read("read the ledger", (session) => session.lanes(query));
  }

  ranges(lane: LaneRow, fromSeq: number, limit: number): Promise<readonly LaneRange[]> {
    return this.read("read a lane's ranges", (session) => rangesOf(session, lane, fromSeq, limit));
  }

  books(query: BooksQuery, take: (lane: LaneRow, ranges: readonly LaneRange[]) => boolean): Promise<void> {
    return this.read("read the ledger", (session) => {
      for (const lane of session.lanes(query)) {
        if (!take(lane, rangesOf(session, lane, query.fromSeq, query.rangesMax))) return;
      }
    });
  }

  positions(): Promise<readonly PositionRow[]> {
    return this.read("read positions", (session) => session.positions());
  }

  quarantined(): Promise<readonly string[]> {
    return this.read("list who is in quarantine", (session) => session.quarantined());
  }

  deadLetters(page: DeadLetterPage): Promise<readonly DeadLetterRow[]> {
    return this.read("read dead letters", (session) => session.deadLetters(page));
  }

  countDeadLetters(choice: DeadLetterChoice): Promise<DeadLetterCount> {
    return this.read("count dead letters", ({ letters }) => letters.count(choice));
  }

  gaps(page: IdPage): Promise<readonly GapRow[]> {
    return this.read("read gaps", (session) => session.gaps(page));
  }

  conflicts(page: IdPage): Promise<readonly ConflictRow[]> {
    return this.read("read conflicts", (session) => session.conflicts(page));
  }

  async close(): Promise<void> {
    this.drop();
  }

  private drop(): void {
    this.session?.database.close();
    this.session = undefined;
  }

  private async read<T>(doing: string, work: (session: ReaderSession) => T): Promise<T> {
    try {
      const session = this.open();
      session.database.exec("begin");
      try {
        return work(session);
      } finally {
        if (session.database.inTransaction) session.database.exec("commit");
        this.stays ??= sharedMemoryIsWritable(this.path);
        if (!this.stays) this.drop();
      }
    } catch (thrown) {
      const failure = storeFailure(doing, thrown);
      if (hasCode(failure, "CENTRAL_STORE_UNAVAILABLE")) this.drop();
      if (!hasCode(failure, "CENTRAL_RECORD_POISON")) throw failure;
      // A query has no record to blame.
      throw new AppError("INVARIANT", doing, { cause: thrown });
    }
  }

  private open(): ReaderSession {
    const now = fileIdentity(this.path);
    // The log too: one that was taken away is written by nobody any more.
    const known = this.session !== undefined && now === this.file && logIdentity(this.path) === this.log;
    if (!known) this.drop();
    if (this.session !== undefined) return this.session;
    this.stays = undefined;
    this.session = new ReaderSession(openReader(this.path));
    this.file = now;
    this.log = logIdentity(this.path);
    return this.session;
  }
}

function rangesOf(session: ReaderSession, lane: LaneRow, fromSeq: number, limit: number): readonly LaneRange[] {
  return laneRanges(session.ledgerRows(lane.id, fromSeq, limit), fromSeq, lane, limit);
}
