/**
 * One source of the config and its life.
 *
 * A source that ends without having been asked to is made anew: one bad file must not end a vehicle's stream. The old
 * object is never run again. First it must have ended and have been stopped; what it had appended and nobody had committed is
 * dropped, because a source that ends by an error may have appended lines without moving its position; then, when
 * everything committed is stored, a new object begins at the stored positions, as after a crash.
 *
 *     running ──run() ends──▶ ending ──stop() done──▶ waiting ──backoff, commit stored──▶ running
 *
 * A reload that changes only what events pass through keeps the object and gives its intake another chain.
 */

import { Backoff } from "../../shared/async/backoff.ts";
import { withDeadline } from "../../shared/async/deadline.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { AppError, endsProcess, messageOf } from "../../shared/errors/app-error.ts";
import type { Random } from "../../shared/random/random.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { SourceConfig } from "../config/agent-config.ts";
import type { Holding, Source } from "../core/source.ts";
import { codes } from "./codes.ts";
import type { Committer } from "./committer.ts";
import type { Chain, Links, StreamIntake } from "./intake.ts";
import type { StopDeadline } from "./stop-deadline.ts";

/** One object of a source, and what goes when it goes. */
export interface MadeSource {
  readonly source: Source;
  /** Its metrics leave the page. */
  release(): void;
}

export interface SourceRunOptions {
  readonly name: string;
  readonly config: SourceConfig;
  readonly make: (config: SourceConfig) => Promise<MadeSource>;
  /** What its events pass through. */
  readonly link: (config: SourceConfig) => Promise<Links>;
  /** An intake at the stored positions, which are those of everything that was read; `before` is the one of the object that has ended. */
  readonly open: (config: SourceConfig, links: Links, before: StreamIntake | undefined) => StreamIntake;
  /** Of the same source before a reload: what it has put beyond the stored positions is still there. */
  readonly before: StreamIntake | undefined;
  readonly committer: Committer;
  readonly random: Random;
  readonly report: Report;
  readonly onInvariant: (error: unknown) => void;
}

/** What a source does now, for the status page. */
export type SourceState =
  | { readonly state: "running" }
  /** It ended by itself, and its object has not stopped yet: nothing new is begun before it has. */
  | { readonly state: "ending"; readonly error: string; readonly hint: string }
  /** It is made anew after a while. */
  | { readonly state: "waiting"; readonly error: string; readonly hint: string };

const signals = {
  ended: defineSignal({
    name: "source_failed",
    level: "error",
    message: "A source ended; it is made anew from its stored positions, and tried again until it stays",
  }),
  lingers: defineSignal({
    name: "source_not_ended",
    level: "error",
    message: "A source that failed has not stopped; it is not made anew before it has",
  }),
  well: defineSignal({ name: "source_recovered", level: "info", message: "A source that had ended reads again" }),
};

/** `start` returns quickly; one that does not is a source that cannot start. */
const startMsMax = 30_000;
/** A source that lives this long after it was made anew is well again. */
const wellAfterMs = 10_000;
const retry = { initialMs: 1_000, maxMs: 30_000 } as const;

export class SourceRun {
  readonly name: string;
  /** How often it was made anew because it had ended. */
  restarts = 0;
  private readonly options: SourceRunOptions;
  private configNow: SourceConfig;
  private made: MadeSource | undefined;
  private intakeNow: StreamIntake | undefined;
  /** What the object before held open. */
  private held: Holding | undefined;
  private stateNow: SourceState = { state: "running" };
  private readonly stopping = new AbortController();
  private done: Promise<void> = Promise.resolve();
  /** The error that was said last: said once, and again when it is another one. */
  private said: string | undefined;

  constructor(options: SourceRunOptions) {
    this.options = options;
    this.name = options.name;
    this.configNow = options.config;
    this.intakeNow = options.before;
  }

  get config(): SourceConfig {
    return this.configNow;
  }

  /** Undefined until it runs. */
  get intake(): StreamIntake | undefined {
    return this.intakeNow;
  }

  get state(): SourceState {
    return this.stateNow;
  }

  /** Starts the object; `run` begins only with `begin`. @throws what keeps it from starting; it is let go of. */
  async start(): Promise<void> {
    try {
      await this.makeAnew();
    } catch (error) {
      this.made?.release();
      throw error;
    }
  }

  /** `held`: what the object of the same source before a reload held open. */
  begin(held?: Holding): void {
    this.held = held;
    this.done = this.live();
  }

  /** Asks it to end; `ended` waits for that. */
  abort(): void {
    this.stopping.abort();
  }

  /** Whether `run` has ended in time; nothing more is taken from it either way. */
  async ended(deadline: StopDeadline): Promise<boolean> {
    try {
      return await deadline.wait(this.name, this.done);
    } finally {
      this.intakeNow?.close();
    }
  }

  /** What the object holds open, for another one that takes its place; after `ended`, before `stop`. */
  handOver(): Holding | undefined {
    const held = this.held ?? this.made?.source.handOver?.();
    this.held = undefined;
    return held;
  }

  /** Stops the object; after `ended`, and after what it appended was committed. */
  async stop(deadline: StopDeadline): Promise<void> {
    if (this.intakeNow !== undefined) this.options.committer.remove(this.intakeNow);
    this.held?.close();
    this.held = undefined;
    try {
      await deadline.wait(this.name, this.made?.source.stop() ?? Promise.resolve());
    } finally {
      this.made?.release();
    }
  }

  /** The same source under another chain; the caller has committed in this turn. */
  rechain(config: SourceConfig, chain: Chain): void {
    this.configNow = config;
    this.intakeNow?.setChain(chain);
  }

  /** Why it does not do its work; completes "source x …". Undefined: it does. */
  unready(): string | undefined {
    if (this.stateNow.state !== "running") return `has ended and is tried again: ${this.stateNow.error}`;
    return this.made?.source.unready?.();
  }

  status(): Readonly<Record<string, unknown>> {
    return { ...this.made?.source.status(), ...this.stateNow, restarts: this.restarts };
  }

  private async live(): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff(retry, this.options.random);
    let trouble = await this.run(backoff);
    while (!signal.aborted && trouble !== undefined) {
      this.tell(trouble);
      await this.letGo(trouble);
      this.stateNow = { state: "waiting", ...wordsOf(trouble) };
      await sleep(backoff.nextMs(), signal);
      if (signal.aborted) return;
      this.restarts++;
      trouble = await this.makeAnew().then(
        () => this.run(backoff),
        (error: unknown) => error,
      );
    }
  }

  private async run(backoff: Backoff): Promise<unknown> {
    const { committer, link, open } = this.options;
    const { signal } = this.stopping;
    let links: Links | undefined;
    for (let linked: SourceConfig | undefined; linked !== this.configNow; ) {
      linked = this.configNow;
      links = await link(linked);
    }
    // What the disk refused is still to be stored: the positions that count come after it.
    while (committer.stuck && !signal.aborted) await committer.committed.wait(signal);
    if (signal.aborted || links === undefined || this.made === undefined) return undefined;
    const intake = open(this.configNow, links, this.intakeNow);
    this.intakeNow = intake;
    committer.add(intake);
    const { held } = this;
    this.held = undefined;
    if (this.made.source.takeOver === undefined) held?.close();
    else if (held !== undefined) this.made.source.takeOver(held);
    return this.runOnce(this.made.source, intake, backoff);
  }

  /** Runs the object until it ends; answers why, or undefined when it was asked to. */
  private async runOnce(source: Source, intake: StreamIntake, backoff: Backoff): Promise<unknown> {
    const run = new AbortController();
    const stop = () => run.abort();
    this.stopping.signal.addEventListener("abort", stop, { once: true });
    if (this.stopping.signal.aborted) run.abort();
    this.stateNow = { state: "running" };
    const well = setTimeout(() => {
      backoff.reset();
      if (this.said !== undefined) this.options.report(signals.well, { component: this.name });
      this.said = undefined;
    }, wellAfterMs);
    try {
      await source.run(intake, run.signal);
      if (this.stopping.signal.aborted) return undefined;
      return new AppError(codes.EDGE_SOURCE_ENDED, `run source "${this.name}": it ended without having been asked to`);
    } catch (error) {
      if (endsProcess(error)) this.options.onInvariant(error);
      return this.stopping.signal.aborted ? undefined : error;
    } finally {
      clearTimeout(well);
      this.stopping.signal.removeEventListener("abort", stop);
      // What of it still runs (a second loop) is told as well.
      run.abort();
    }
  }

  /** Returns when the old object has stopped; until then there is no new one. */
  private async letGo(trouble: unknown): Promise<void> {
    this.stateNow = { state: "ending", ...wordsOf(trouble) };
    if (this.intakeNow !== undefined) {
      this.intakeNow.discard();
      this.options.committer.remove(this.intakeNow);
    }
    this.held ??= this.made?.source.handOver?.();
    const said = setTimeout(() => this.options.report(signals.lingers, { component: this.name }), startMsMax);
    try {
      await this.made?.source.stop();
    } catch (error) {
      this.tell(error);
    } finally {
      clearTimeout(said);
      this.made?.release();
    }
  }

  /** @throws what keeps it from starting. */
  private async makeAnew(): Promise<void> {
    this.made = undefined;
    this.made = await this.options.make(this.configNow);
    const late = () =>
      new AppError(codes.EDGE_SOURCE_START, `start source "${this.name}": no answer in ${startMsMax} ms`);
    await withDeadline(this.made.source.start(), startMsMax, late);
  }

  private tell(error: unknown): void {
    const words = wordsOf(error);
    if (words.error === this.said) return;
    this.said = words.error;
    this.options.report(signals.ended, { component: this.name, ...words });
  }
}

function wordsOf(error: unknown): { readonly error: string; readonly hint: string } {
  const hint = error instanceof AppError ? error.hint : "Nobody foresaw this: please report the message.";
  return { error: messageOf(error), hint };
}
