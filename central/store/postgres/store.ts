/**
 * The PostgreSQL store's writer: one connection, one transaction an append.
 *
 *     begin
 *       lock the position row; does it say what the writer saw?       no → CENTRAL_STORE_FENCED
 *       lock the accounts, load what the records name → plan (central/ledger/) → write it
 *       update source set next = … where next = …
 *     commit
 *
 * A failure rolls everything back; nothing of the store is remembered between two transactions but which days have a table.
 * Where another writer was faster (see ledger-loader.ts) the transaction is done again at once. Each has an end: the
 * server's for locks and statements, ours for the whole, and the others' for an instance that is frozen (take-over.ts).
 */
import { SQL } from "bun";
import { withDeadline } from "../../../shared/async/deadline.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError, hasCode, messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
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
import { clientOptions } from "./address.ts";
import { ArrivalRetention } from "./events/arrivals.ts";
import { EventDays } from "./events/event-days.ts";
import { isConflict, isLockTimeout, sqlState, storeFailure } from "./failure.ts";
import { hearBeats } from "./fleet/writer.ts";
import { inspectStore, migrate } from "./migrate.ts";
import { postgresRedrives } from "./replay/redrive-jobs.ts";
import { postgresReplays } from "./replay/replays.ts";
import { AlertExpiry, withdrawRules } from "./rules/alert-expiry.ts";
import { RulesWriter } from "./rules/rules.ts";
import { PostgresRulesWork, type RulesRoom } from "./rules/work.ts";
import { incoming } from "./schema.ts";
import { endFrozen, readerName, writerName } from "./take-over.ts";
import { closeFailed } from "./telemetry.ts";
import {
  forgetLanes,
  MissingDays,
  readPosition,
  type WriterTools,
  writeAppend,
  writeQuarantine,
  writeRelayed,
  writeStartOver,
} from "./writer-session.ts";

export interface PostgresStoreOptions {
  readonly address: string;
  readonly clock: Clock;
  readonly report: Report;
  /** How much an agent may take. */
  readonly quotas?: Quotas;
  /** Who may say what; everybody everything when not given. */
  readonly rules?: AdmissionRules;
  /** See `PlanOptions`. */
  readonly lateAfterMs?: number;
  /** Rules over events; none when not given. */
  readonly eventRules?: RulesTools | undefined;
  /** How long an alert is kept that does not fire any more. */
  readonly alertRetentionMs?: number;
}

/** The server ends what passes these; see DESIGN.md for how they lean on each other. */
const bounds = { lockMs: 1_000, statementMs: 7_000, idleMs: 5_000 } as const;
/** We give a transaction up after this, whatever the server does. */
const transactionMs = 8_000;
/** A transaction of this age is nobody's any more. */
const frozenMs = 10_000;
/** Tries of one transaction that another writer was in the way of. */
const triesMax = 8;
const closeSeconds = 2;

/** An append's plans are look-ups, as many as it has rows, whatever the tables' statistics say just now. */
const settings = {
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  enable_seqscan: "off",
  jit: "off",
  timezone: "UTC",
} as const;

/** What lives as long as a connection. */
interface Session {
  readonly sql: SQL;
  readonly days: EventDays;
  readonly arrivals: ArrivalRetention;
}

export class PostgresStore implements Store {
  /** Known from the first time on that it was open. */
  id: string | undefined;
  readonly fleet: FleetStore = {
    hear: (beats, nowMs) => this.transaction("keep heartbeats", (sql) => hearBeats(sql, beats, nowMs)),
  };
  readonly replays: ReplayStore = postgresReplays((doing, work) => this.transaction(doing, work));
  readonly redrives: RedriveStore = postgresRedrives((doing, work) => this.transaction(doing, work));
  private session: Session | undefined;
  private closed = false;
  private isGone = false;

  private turn: Promise<unknown> = Promise.resolve();
  /** There are no rules, and the store was told so. */
  private withdrawn = false;
  alertsWithdrawn = 0;
  readonly rules: PostgresRulesWork | undefined;

  constructor(private readonly options: PostgresStoreOptions) {
    const { eventRules: tools, report, alertRetentionMs = alertRetentionMsStandard } = options;
    if (tools === undefined) return;
    const counters = { vehiclesDropped: 0, deliveriesDropped: 0 };
    const writer = new RulesWriter({ ...tools, report, counters, retention: new AlertExpiry(alertRetentionMs) });
    const room: RulesRoom = (doing, work) => this.transaction(doing, (sql, { nowMs }) => work(sql, nowMs));
    this.rules = new PostgresRulesWork(tools, writer, counters, room);
  }

  async position(at: TopicPartition): Promise<Position | undefined> {
    return await this.use(`read the position of ${at.topic}-${at.partition}`, true, ({ sql }) => readPosition(sql, at));
  }

  async append(append: Append): Promise<AppendResult> {
    const doing = `store offsets up to ${append.next} of ${append.topic}-${append.partition}`;
    return await this.transaction(doing, (sql, tools) => writeAppend(sql, append, tools));
  }

  async appendRelayed(append: RelayAppend): Promise<RelayResult> {
    return await this.transaction("store relayed records", (sql, tools) => writeRelayed(sql, append, tools));
  }

  async startOver(topic: TopicMadeAnew): Promise<Position> {
    const doing = `begin anew with ${topic.topic}-${topic.partition}`;
    return await this.transaction(doing, (sql, { nowMs }) => writeStartOver(sql, topic, nowMs));
  }

  async quarantine(agent: string, on: boolean): Promise<void> {
    await this.transaction(`quarantine ${agent}`, (sql) => writeQuarantine(sql, agent, on));
  }

  async forget(lanes: LaneSelection): Promise<number> {
    return await this.transaction(`forget lanes of ${lanes.agent}`, (sql) => forgetLanes(sql, lanes));
  }

  async probe(): Promise<void> {
    await this.transaction("probe the store", (sql) => sql`update store set probes = probes + 1`);
  }

  async ask(): Promise<void> {
    // Made anew under somebody who is about to put another one in its place, it would be in the way.
    await this.use("ask the store", false, async ({ sql }) => {
      const [row] = await sql<{ readOnly: string }[]>`select current_setting('transaction_read_only') as "readOnly"`;
      if (row?.readOnly === "on") {
        throw new AppError("CENTRAL_STORE_UNAVAILABLE", "ask the store: the server takes no writes (a standby?)");
      }
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    const session = this.session;
    this.session = undefined;
    try {
      await session?.sql.close({ timeout: closeSeconds });
    } catch (thrown) {
      this.options.report(closeFailed, { error: messageOf(thrown) });
    }
  }

  private async transaction<T>(doing: string, work: (sql: SQL, tools: WriterTools) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.inTurn(() => this.attempt(doing, work));
      } catch (thrown) {
        if (tries >= triesMax || !(await this.mayTryAgain(doing, thrown))) throw thrown;
      }
    }
  }

  /** What rules have counted is of one transaction at a time. Without rules the connection alone sees to the order. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.rules === undefined) return await work();
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    return await mine;
  }

  private async attempt<T>(doing: string, work: (sql: SQL, tools: WriterTools) => Promise<T>): Promise<T> {
    const { clock, quotas = defaultQuotas, rules = anybody, lateAfterMs = lateAfterMsStandard } = this.options;
    const eventRules = this.rules?.writer;
    try {
      const { result, firing } = await this.use(doing, true, async ({ sql, days, arrivals }) => {
        const tools = { days, arrivals, eventRules, quotas, rules, lateAfterMs, nowMs: clock.now() };
        return await sql.begin(async (tx) => {
          const firing = await this.withdrawOnce(tx, tools.nowMs);
          return { result: await work(tx, tools), firing };
        });
      });
      this.withdrawn = true;
      this.alertsWithdrawn += firing;
      if (firing > 0) this.options.report(alertsWithoutRules, { resolved: firing });
      this.rules?.tools.step.committed();
      return result;
    } catch (thrown) {
      this.rules?.tools.step.rolledBack();
      eventRules?.forget();
      throw thrown;
    }
  }

  /** In the first transaction without rules; how many alerts fired. */
  private async withdrawOnce(sql: SQL, nowMs: number): Promise<number> {
    if (this.rules !== undefined || this.withdrawn) return 0;
    return await withdrawRules(sql, nowMs, this.options.alertRetentionMs ?? alertRetentionMsStandard);
  }

  /** What stood in the way is gone: another writer, or a table that was not there. */
  private async mayTryAgain(doing: string, thrown: unknown): Promise<boolean> {
    const cause = thrown instanceof AppError ? thrown.cause : undefined;
    if (cause instanceof MissingDays) {
      await this.use(doing, true, ({ sql, days }) => days.make(sql, cause.days));
      return true;
    }
    // A day's table was dropped or detached since we looked.
    if (sqlState(cause) === "23514") {
      await this.use(doing, true, ({ sql, days }) => days.refresh(sql));
      return true;
    }
    return isConflict(cause);
  }

  private async use<T>(doing: string, make: boolean, work: (session: Session) => Promise<T>): Promise<T> {
    let session: Session | undefined;
    try {
      session = await this.open(make);
      return await this.bounded(doing, work(session));
    } catch (thrown) {
      const failure = storeFailure(doing, thrown);
      if (isLockTimeout(thrown) && session !== undefined) await endFrozen(session.sql, frozenMs, this.options.report);
      else if (hasCode(failure, "CENTRAL_STORE_UNAVAILABLE") && !isConflict(thrown)) this.drop(session);
      throw failure;
    }
  }

  private async open(make: boolean): Promise<Session> {
    if (this.closed) throw new AppError("CENTRAL_STORE_UNAVAILABLE", "use the store: it was closed");
    if (this.session !== undefined) return this.session;
    let session: Session | undefined;
    const onClose = () => {
      if (session !== undefined && this.session === session) this.session = undefined;
    };
    const words = { applicationName: writerName, connections: 1, bounds, settings, onClose };
    const sql = new SQL(clientOptions(this.options.address, words));
    session = { sql, days: new EventDays(), arrivals: new ArrivalRetention() };
    try {
      const before = this.id;
      // A store that was open is never made anew: an empty one would be taken for it, and be filled in its place.
      const first = make && before === undefined;
      const made = () => this.options.report(storeMade);
      const id = await this.bounded("open the store", first ? migrate(sql, made) : this.again(sql));
      if (before !== undefined && id !== before) this.options.report(storeReplaced);
      this.id = id;
      this.isGone = false;
      await sql.unsafe(incoming);
      await session.days.refresh(sql);
    } catch (thrown) {
      this.drop(session);
      throw thrown;
    }
    // Another call may have opened one meanwhile.
    if (this.session !== undefined) this.drop(session);
    else this.session = session;
    return this.session;
  }

  private async again(sql: SQL): Promise<string> {
    let error = "open the store: there is none in the database, and none is made where one was";
    try {
      const found = await inspectStore(sql);
      if (found !== undefined) return found.id;
    } catch (thrown) {
      // At a start these end the process. What was ours is waited for, whoever asks.
      if (this.id === undefined || !hasCode(thrown, "CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION")) throw thrown;
      error = thrown.message;
    }
    if (!this.isGone && this.id !== undefined) this.options.report(storeGone, { error });
    this.isGone = true;
    throw new AppError("CENTRAL_STORE_UNAVAILABLE", error);
  }

  private async bounded<T>(doing: string, work: Promise<T>): Promise<T> {
    const late = () =>
      new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: the server took longer than ${transactionMs / 1_000} s`);
    return await withDeadline(work, transactionMs, late);
  }

  private drop(session: Session | undefined): void {
    if (session === undefined) return;
    if (this.session === session) this.session = undefined;
    session.sql.close({ timeout: 0 }).catch((thrown: unknown) => {
      this.options.report(closeFailed, { error: messageOf(thrown) });
    });
  }
}

/** Says at the start what no waiting can cure. A server that does not answer now is no mistake: it is waited for. */
export async function checkStore(address: string): Promise<void> {
  const sql = new SQL(clientOptions(address, { applicationName: readerName, connections: 1, bounds }));
  try {
    await withDeadline(
      inspectStore(sql),
      transactionMs,
      () => new AppError("CENTRAL_STORE_UNAVAILABLE", "check the store"),
    );
  } catch (thrown) {
    if (hasCode(thrown, "CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION", "CONFIG_INVALID")) throw thrown;
  } finally {
    await sql.close({ timeout: 0 });
  }
}
