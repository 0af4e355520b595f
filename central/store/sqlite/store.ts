/**
 * The SQLite store's writer: one connection, one transaction an append.
 *
 *     begin immediate
 *       the position row says what the writer saw?     no → CENTRAL_STORE_FENCED
 *       load what the records name → plan (central/ledger/) → write it: ledger, chunks and recent rows, last states
 *       update source set next = :next where next = :seen
 *     commit
 *
 * What came by relay has no topic to be read from again: its transactions are synced (`synchronous=FULL`), the others are not.
 *
 * A failure rolls everything back; nothing of the store is remembered between two transactions. The connection is made
 * anew after a failure, and when the file is another one than before (moved, replaced). The file is made at the first
 * opening alone.
 */

import { dirname } from "node:path";
import type Database from "better-sqlite3";
import type { Clock } from "../../../shared/clock/clock.ts";
import { formatByteSize } from "../../../shared/config/byte-size.ts";
import { AppError, hasCode, messageOf } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import { writableBytes } from "../../../shared/files/free-bytes.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import { type Report, silent } from "../../../shared/telemetry/log.ts";
import { type AdmissionRules, anybody } from "../../ledger/admission.ts";
import { defaultQuotas, type Quotas } from "../../ledger/limits.ts";
import { lateAfterMsStandard } from "../../ledger/plan.ts";
import type { TopicPartition } from "../../records/partition.ts";
import { storeGone, storeMade, storeReplaced } from "../../telemetry.ts";
import type { FleetStore } from "../fleet-port.ts";
import type { RedriveStore } from "../redrive-port.ts";
import type { ReplayStore } from "../replay-port.ts";
import { alertRetentionMsStandard, type RulesTools } from "../rules-port.ts";
import type {
  Append,
  AppendResult,
  LaneSelection,
  Position,
  RelayAppend,
  RelayResult,
  Store,
  TopicMadeAnew,
} from "../store.ts";
import { alertsWithoutRules } from "../telemetry.ts";
import { storeFailure } from "./failure.ts";
import { tightenModes } from "./modes.ts";
import { fileIdentity, isIncomplete, logIdentity, openWriter, reopenWriter } from "./open.ts";
import { sqliteRedrives } from "./replay/redrives.ts";
import { type ReplayTools, sqliteReplays } from "./replay/replays.ts";
import { AlertRetention, withdrawRules } from "./rules/alert-retention.ts";
import { RulesSession } from "./rules/session.ts";
import { type RulesRooms, SqliteRulesWork } from "./rules/work.ts";
import { storeId } from "./store-id.ts";
import { closeFailed, foldDelayed, folded, logLeft, logTakenAway } from "./telemetry.ts";
import { WriterSession } from "./writer-session.ts";

export interface SqliteStoreOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly report: Report;
  /** Rows in `recent` from which it is folded; the default is right but for tests. */
  readonly foldRows?: number;
  /** What a folder's disk has left; the default is right but for tests. */
  readonly writableBytes?: (folder: string) => number;
  /** How much an agent may take. */
  readonly quotas?: Quotas;
  /** Who may say what; everybody everything when not given. */
  readonly rules?: AdmissionRules;
  /** Rules over events; none when not given. */
  readonly eventRules?: RulesTools | undefined;
  /** See `PlanOptions`. */
  readonly lateAfterMs?: number;
  /** How long an alert is kept that does not fire any more. */
  readonly alertRetentionMs?: number;
}

/** What a transaction may take: its pages in the log, and those of a checkpoint that is due. */
const diskBytesMin = 1024 * 1024;

/** After a fold that failed (a full disk), the next try is this far away; appends go on meanwhile. */
const foldRetryMs = 10_000;

export class SqliteStore implements Store {
  readonly fleet: FleetStore = {
    hear: async (beats, nowMs) => this.transaction("keep heartbeats", (session) => session.fleet.hear(beats, nowMs)),
  };
  private session: WriterSession | undefined;
  /** Which file it is; undefined: it was never open. */
  private file: string | undefined;
  private log = "";
  private isGone = false;
  private foldNotBeforeMs = 0;
  private closed = false;
  /** There are no rules, and the store was told so. */
  private withdrawn = false;
  alertsWithdrawn = 0;
  readonly replays: ReplayStore;
  readonly redrives: RedriveStore;

  readonly rules: SqliteRulesWork | undefined;

  constructor(private readonly options: SqliteStoreOptions) {
    const { eventRules, clock } = options;
    this.rules = eventRules && new SqliteRulesWork(eventRules, this.rooms(), clock);
    const tools: ReplayTools = {
      clock,
      transaction: (doing, work) => this.transaction(doing, work),
      database: () => this.use("open the store", (_, database) => database),
      foldWhenDue: () => this.foldWhenDue(),
    };
    this.replays = sqliteReplays(tools);
    this.redrives = sqliteRedrives(tools);
  }

  get id(): string | undefined {
    return storeId(this.options.path, this.options.clock);
  }

  async position(partition: TopicPartition): Promise<Position | undefined> {
    const doing = `read the position of ${partition.topic}-${partition.partition}`;
    return this.use(doing, (session) => session.position(partition));
  }

  async append(append: Append): Promise<AppendResult> {
    const { topic, partition } = append;
    const doing = `store offsets up to ${append.next} of ${topic}-${partition}`;
    const result = this.transaction(doing, (session) => session.append(append, this.options.clock.now()));
    this.foldWhenDue();
    return result;
  }

  async appendRelayed(append: RelayAppend): Promise<RelayResult> {
    const result = this.durably("store relayed records", (session) =>
      session.appendRelayed(append, this.options.clock.now()),
    );
    this.foldWhenDue();
    return result;
  }

  async startOver(topic: TopicMadeAnew): Promise<Position> {
    const doing = `begin anew with ${topic.topic}-${topic.partition}`;
    return this.transaction(doing, (session) => session.startOver(topic, this.options.clock.now()));
  }

  async quarantine(agent: string, on: boolean): Promise<void> {
    this.transaction(`quarantine ${agent}`, (session) => session.quarantine(agent, on));
  }

  async forget(lanes: LaneSelection): Promise<number> {
    return this.transaction(`forget lanes of ${lanes.agent}`, (session) => session.forgetLanes(lanes));
  }

  async probe(): Promise<void> {
    this.transaction("probe the store", (session) => session.touch());
    this.askDisk();
  }

  async ask(): Promise<void> {
    const { path } = this.options;
    // A question makes no store.
    if (this.file === undefined && fileIdentity(path) === undefined) {
      throw new AppError("CENTRAL_STORE_UNAVAILABLE", `ask the store ${path}: no such file`);
    }
    this.use("ask the store", (_, database) => {
      database.exec("begin immediate");
      database.exec("rollback");
    });
    this.askDisk();
  }

  /** A transaction can begin on a full disk, and nothing can be stored. */
  private askDisk(): void {
    const { path, writableBytes: asked = writableBytes } = this.options;
    let bytes: number;
    try {
      bytes = asked(dirname(path));
    } catch (thrown) {
      if (isFileTrouble(thrown)) return; // The folder went away just now: the next question says so.
      throw thrown;
    }
    if (bytes >= diskBytesMin) return;
    const left = `its disk is full: ${formatByteSize(bytes)} are left, and a transaction may need ${formatByteSize(diskBytesMin)}`;
    throw new AppError("CENTRAL_STORE_UNAVAILABLE", `use the store ${path}: ${left}`);
  }

  /** After it the file alone is the store: what stood in the write-ahead log is in it, as far as no reader holds it back. */
  async close(): Promise<void> {
    this.closed = true;
    this.emptyLog();
    this.drop();
  }

  private emptyLog(): void {
    try {
      const left = this.session?.database.pragma("wal_checkpoint(TRUNCATE)", { simple: true });
      if (left === 1) this.options.report(logLeft, { path: this.options.path });
    } catch (thrown) {
      this.options.report(closeFailed, { error: messageOf(thrown) });
    }
  }

  /** Moves `recent` into chunks now; for tests and for an orderly shutdown of a store that will only be read. */
  fold(): number {
    return this.transaction("fold recent events into chunks", (session) => session.fold());
  }

  private foldWhenDue(): void {
    const nowMs = this.options.clock.uptimeMs();
    if (this.session === undefined || !this.session.foldIsDue(this.options.foldRows)) return;
    if (nowMs < this.foldNotBeforeMs) return;
    try {
      const rows = this.fold();
      this.options.report(folded, { rows, ms: Math.round(this.options.clock.uptimeMs() - nowMs) });
    } catch (thrown) {
      // The rows are where they were; only their shape could not be changed.
      this.foldNotBeforeMs = nowMs + foldRetryMs;
      this.options.report(foldDelayed, { error: messageOf(thrown) });
    }
  }

  private rooms(): RulesRooms {
    const within = <T>(session: WriterSession, work: (rules: RulesSession) => T) => {
      invariant(session.rules !== undefined, "a store that was given rules has a session for them");
      return work(session.rules);
    };
    return {
      write: (doing, work) => this.transaction(doing, (session) => within(session, work)),
      look: (doing, work) => this.use(doing, (session) => within(session, work)),
    };
  }

  private transaction<T>(doing: string, work: (session: WriterSession) => T): T {
    return this.use(doing, (session, database) => {
      database.exec("begin immediate");
      try {
        const firing = this.withdrawOnce(database);
        const result = work(session);
        database.exec("commit");
        this.withdrawn = true;
        if (firing > 0) {
          this.alertsWithdrawn += firing;
          this.options.report(alertsWithoutRules, { resolved: firing });
        }
        this.options.eventRules?.step.committed();
        return result;
      } catch (thrown) {
        if (database.inTransaction) database.exec("rollback");
        this.options.eventRules?.step.rolledBack();
        session.forget();
        throw thrown;
      }
    });
  }

  /** In the first transaction without rules; how many alerts fired. */
  private withdrawOnce(database: Database.Database): number {
    if (this.rules !== undefined || this.withdrawn) return 0;
    const { clock, alertRetentionMs = alertRetentionMsStandard } = this.options;
    return withdrawRules(database, clock.now(), alertRetentionMs);
  }

  /** A transaction that is synced before it returns. The sync covers whatever stands in the log before it too. */
  private durably<T>(doing: string, work: (session: WriterSession) => T): T {
    const turn = (mode: "FULL" | "NORMAL") =>
      this.use(doing, (_, database) => {
        // Not within a transaction: there SQLite would not hear it.
        database.pragma(`synchronous = ${mode}`);
      });
    turn("FULL");
    try {
      return this.transaction(doing, work);
    } finally {
      // A connection that was made anew meanwhile is NORMAL already.
      if (this.session !== undefined) turn("NORMAL");
    }
  }

  private use<T>(doing: string, work: (session: WriterSession, database: Database.Database) => T): T {
    try {
      const session = this.open();
      return work(session, session.database);
    } catch (thrown) {
      const failure = storeFailure(doing, thrown);
      if (hasCode(failure, "CENTRAL_STORE_UNAVAILABLE") && !isBusy(thrown)) this.drop();
      throw failure;
    }
  }

  private open(): WriterSession {
    const { path } = this.options;
    if (this.closed) throw new AppError("CENTRAL_STORE_UNAVAILABLE", `use the store ${path}: it was closed`);
    this.checkFiles();
    if (this.session === undefined) {
      try {
        const database = this.connect();
        const { quotas = defaultQuotas, rules = anybody, lateAfterMs = lateAfterMsStandard, report } = this.options;
        const retention = new AlertRetention(database, this.options.alertRetentionMs ?? alertRetentionMsStandard);
        const eventRules =
          this.rules &&
          new RulesSession(database, { ...this.rules.tools, report, counters: this.rules.counters, retention });
        this.session = new WriterSession(database, { quotas, rules, lateAfterMs }, eventRules);
      } catch (thrown) {
        if (thrown instanceof AppError) throw thrown;
        throw new AppError("CENTRAL_STORE_UNAVAILABLE", `open the store ${path}`, { cause: thrown });
      }
      this.keepFiles();
    }
    return this.session;
  }

  /** A store that was open is never made anew: an empty one would be taken for it, and be filled in its place. */
  private connect(): Database.Database {
    const { path, report } = this.options;
    if (this.file === undefined) {
      tightenModes(path, report);
      return openWriter(path, () => {
        report(storeMade, { store: path });
        tightenModes(path, silent);
      });
    }
    try {
      return reopenWriter(path);
    } catch (thrown) {
      if (!this.isGone && hasCode(thrown, "CENTRAL_STORE_UNAVAILABLE")) {
        this.isGone = true;
        report(storeGone, { store: path, error: thrown.message });
      }
      throw thrown;
    }
  }

  private keepFiles(): void {
    const { path, report } = this.options;
    const file = fileIdentity(path);
    if (this.file !== undefined && file !== this.file) report(storeReplaced, { store: path });
    this.file = file;
    this.log = logIdentity(path);
    this.isGone = false;
  }

  /** Lets go of files that are not at their paths any more: what is written there, nobody finds again. */
  private checkFiles(): void {
    const { path, report } = this.options;
    if (this.session === undefined) return;
    if (fileIdentity(path) !== this.file) {
      // Readers keep its log open, so that closing moves nothing: whoever puts the file back may not put back the log.
      this.emptyLog();
      this.drop();
      return;
    }
    const log = logIdentity(path);
    if (log === this.log && !isIncomplete(log)) return;
    const left = this.session.database.pragma("wal_checkpoint(TRUNCATE)", { simple: true });
    if (left === 1) {
      const doing = `move the log of ${path} into it, since the log was taken away: a reader holds it`;
      throw new AppError("CENTRAL_STORE_UNAVAILABLE", doing);
    }
    // Readers of this process may hold the old one a little longer, and this connection shares it with them.
    if (!isIncomplete(this.log)) report(logTakenAway, { store: path });
    this.drop();
  }

  private drop(): void {
    const session = this.session;
    this.session = undefined;
    try {
      session?.database.close();
    } catch (thrown) {
      this.options.report(closeFailed, { error: messageOf(thrown) });
    }
  }
}

/** Somebody else writes: the connection is as good as before. */
function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("SQLITE_BUSY");
}
