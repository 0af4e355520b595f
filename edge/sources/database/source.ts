/**
 * New rows of a table, in the order of a column that grows. One round:
 *
 *     top: the last row that can be seen  →  wait until nobody can bring one before it  →  read up to it, page by page
 *
 * DESIGN.md says why this loses nothing, and where it cannot say so.
 */
import { Backoff } from "../../../shared/async/backoff.ts";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { countingReport } from "../../../shared/telemetry/counting-report.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Context } from "../../core/context.ts";
import { cutHeader } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import { hasRoom } from "../../listeners/room.ts";
import { type DatabaseAddress, parseAddress, shown } from "./address.ts";
import type { Config } from "./config.ts";
import { LateRows } from "./late-rows.ts";
import { openSession } from "./open.ts";
import { type Position, placeKey, positionText, ReadPlace } from "./position.ts";
import { countedMax, type DatabaseSession, type OpenTransaction, type Row, type Unread } from "./session.ts";
import { gauges, signals } from "./telemetry.ts";

const retry = { initialMs: 200, maxMs: 10_000 } as const;
/** While others' transactions are waited for: short ones end soon. */
const patience = { initialMs: 10, maxMs: 1_000 } as const;
/** From then on it is said. */
const longMs = 60_000;
/** What is not read is counted once in so many looks, in these bounds. */
const looks = 60;
const countEveryMs = { min: 1_000, max: 60_000 } as const;

export class DatabaseSource implements Source {
  private readonly address: DatabaseAddress;
  private readonly report: Report;
  private readonly backoff: Backoff;
  private session: DatabaseSession | undefined;
  private place: ReadPlace | undefined;
  private trouble: string | undefined;
  private waitsFor: readonly OpenTransaction[] = [];
  private unread: Unread | undefined = { unplaced: 0, ahead: 0 };
  private isBehind = false;
  private countedAtMs = Number.NEGATIVE_INFINITY;
  private lateRows: LateRows | undefined;
  private readonly counts = { received: 0, connects: 0, late: 0 };

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { metrics, name } = context;
    const address = parseAddress(config.url);
    if (address === undefined) throw new AppError("INVARIANT", "read the url of a config that was validated");
    this.address = address;
    this.report = countingReport(signals, { report: context.report, metrics, labels: { source: name } });
    this.backoff = new Backoff(retry, context.random);
    const labels = { source: name };
    metrics.observe(gauges.waiting.name, gauges.waiting.help, labels, () => this.waitsFor.length);
    for (const reason of ["unplaced", "ahead"] as const) {
      const read = () => this.unread?.[reason] ?? 0;
      metrics.observe(gauges.unread.name, gauges.unread.help, { ...labels, reason }, read);
    }
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const key = placeKey(this.config);
    const place = new ReadPlace(key, intake.positions().get(key));
    this.place = place;
    while (!signal.aborted) {
      try {
        await this.follow(place, intake, signal);
      } catch (error) {
        if (!signal.aborted) this.tell(error);
      } finally {
        this.waitsFor = [];
        await this.session?.close();
        this.session = undefined;
      }
      if (!signal.aborted) await sleep(this.backoff.nextMs(), signal);
    }
  }

  async stop(): Promise<void> {
    await this.session?.close();
  }

  unready(): string | undefined {
    return this.trouble === undefined ? undefined : `cannot read its database: ${this.trouble}`;
  }

  status(): Readonly<Record<string, unknown>> {
    const { address, counts, place, trouble, waitsFor, unread, isBehind, session } = this;
    return {
      database: shown(address),
      connected: session !== undefined,
      position: place === undefined ? undefined : positionText(place.last),
      ...counts,
      ...(waitsFor.length === 0 ? {} : { waitsFor: waitsFor.map(({ who }) => who).slice(0, 10) }),
      unread: unread ?? "not counted in time",
      ...(isBehind ? { positionAhead: true } : {}),
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  private tell(error: unknown): void {
    const words = messageOf(error);
    if (words === this.trouble) return;
    this.trouble = words;
    const hint = error instanceof AppError ? error.hint : undefined;
    this.report(signals.failed, { component: this.context.name, error: words, hint });
  }

  /** One connection, until it fails. */
  private async follow(place: ReadPlace, intake: Intake, signal: AbortSignal): Promise<void> {
    const { config, context, address } = this;
    const applicationName = `tailgate ${context.agent}/${context.name}`.slice(0, 63);
    const session = await openSession(address, { config, dataDir: context.dataDir, applicationName, signal });
    this.session = session;
    await session.prepare();
    if (!place.begun) {
      place.last = config.start === "end" ? await session.top(undefined) : undefined;
      place.begun = true;
      intake.moved(place);
    }
    this.lateRows ??= new LateRows({ position: place.last, received: this.counts.received });
    this.countedAtMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const sinceMs = performance.now();
      const top = await session.top(place.last);
      if (top === undefined) this.works();
      else if (await this.isFinal(session, signal)) await this.readUpTo(top, { session, place, intake, signal });
      if (!signal.aborted) await this.lookAside(session, place);
      await sleep(Math.max(0, config.pollInterval - (performance.now() - sinceMs)), signal);
    }
  }

  /** Said when something was read, or nothing was there to read: a row that cannot be read is a trouble until it can. */
  private works(): void {
    if (this.trouble !== undefined || this.counts.connects === 0) {
      this.counts.connects++;
      this.report(signals.connected, { component: this.context.name, database: shown(this.address) });
    }
    this.trouble = undefined;
    this.backoff.reset();
  }

  /** Waits for everybody who might still bring a row before one that was seen. False: the signal aborted. */
  private async isFinal(session: DatabaseSession, signal: AbortSignal): Promise<boolean> {
    if (this.config.openTransactions === "ignore") return true;
    const pauses = new Backoff(patience, this.context.random);
    const sinceMs = performance.now();
    let open = await session.openTransactions();
    while (open.length > 0 && !signal.aborted) {
      this.waitsFor = open;
      const waitedMs = performance.now() - sinceMs;
      if (waitedMs > longMs) {
        const who = open[0]?.who;
        this.report(signals.waits, {
          component: this.context.name,
          who,
          open: open.length,
          seconds: Math.round(waitedMs / 1_000),
        });
      }
      await sleep(pauses.nextMs(), signal);
      // Those that began meanwhile can bring only what comes after.
      const now = new Set((await session.openTransactions()).map(({ id }) => id));
      open = open.filter(({ id }) => now.has(id));
    }
    this.waitsFor = [];
    return !signal.aborted;
  }

  private async readUpTo(top: Position, at: Flow): Promise<void> {
    const { session, place, intake, signal } = at;
    while (await hasRoom(intake, signal)) {
      const rows = await session.page(place.last, top);
      if (rows.length === 0) return;
      for (const row of rows) {
        this.append(intake, row);
        place.last = row.position;
      }
      intake.moved(place);
      this.works();
      if (place.last !== undefined && positionText(place.last) === positionText(top)) return;
    }
  }

  /** Now and then, while nothing comes: what is there and is not read. */
  private async lookAside(session: DatabaseSession, place: ReadPlace): Promise<void> {
    const nowMs = performance.now();
    const everyMs = Math.min(countEveryMs.max, Math.max(countEveryMs.min, looks * this.config.pollInterval));
    if (nowMs - this.countedAtMs < everyMs) return;
    this.countedAtMs = nowMs;
    const component = this.context.name;
    const before = this.unread;
    this.unread = await session.unread();
    for (const reason of ["unplaced", "ahead"] as const) {
      const rows = this.unread?.[reason] ?? 0;
      if (rows > 0 && rows !== before?.[reason])
        this.report(signals[reason], { component, rows, orMore: rows === countedMax });
    }
    const isBehind = place.last !== undefined && (await session.isBehind(place.last));
    if (isBehind && !this.isBehind) this.report(signals.behind, { component, position: positionText(place.last) });
    this.isBehind = isBehind;
    const now = { position: place.last, received: this.counts.received };
    const late = (await this.lateRows?.look(now, (after, top) => session.count(after, top))) ?? 0;
    this.counts.late += late;
    if (late > 0) this.report(signals.late, { component, rows: late });
  }

  private append(intake: Intake, row: Row): void {
    const { tableHeader, positionHeader, table } = this.config;
    const { body, bytes, position, key, timeMs } = row;
    this.counts.received++;
    intake.appendWith(body, 0, body.length, (view) => {
      view.setHeader(tableHeader, table ?? this.context.name);
      view.setHeader(positionHeader, positionText(position));
      if (body.length < bytes) view.setHeader(cutHeader, String(body.length));
      if (key !== undefined) view.key = key;
      if (timeMs !== undefined) view.eventTimeMs = timeMs;
    });
    if (body.length === bytes) return;
    intake.count("cut", 1);
    intake.count("cut_bytes", bytes - body.length);
  }
}

interface Flow {
  readonly session: DatabaseSession;
  readonly place: ReadPlace;
  readonly intake: Intake;
  readonly signal: AbortSignal;
}
