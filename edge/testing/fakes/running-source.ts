import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import { type Fields, type Report, type Signal, silent } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import type { SourceContext } from "../../core/context.ts";
import type { SourceDefinition, SourceMaker } from "../../core/define.ts";
import { FileReaders } from "../../core/file-readers.ts";
import type { Holding, Source } from "../../core/source.ts";
import { CommittedWork, FakeIntake, type FakeIntakeOptions } from "./intake.ts";

/** A context without an agent around it. */
export function sourceContext(dataDir: string, report: Report = silent): SourceContext {
  return {
    name: "test",
    agent: "agent-1",
    dataDir,
    clock: systemClock,
    random: systemRandom,
    report,
    metrics: new Metrics(),
    fileReaders: new FileReaders(report),
    ownFiles: () => [],
  };
}

export interface RunOptions {
  readonly definition: SourceDefinition;
  readonly config: unknown;
  readonly dataDir: string;
  /** What earlier runs committed. */
  readonly work?: CommittedWork;
  readonly intake?: FakeIntakeOptions;
  /** What else its agent would hand it. */
  readonly context?: Partial<SourceContext>;
  /** What the object before held open. */
  readonly held?: Holding;
}

/** A source that runs on a fake intake; stopped when the scope ends. */
export class RunningSource implements AsyncDisposable {
  readonly intake: FakeIntake;
  /** What it reported: signal names with their fields. */
  readonly reports: { readonly signal: string; readonly fields: Fields }[] = [];
  private readonly abort = new AbortController();
  /** Settles when the source has ended by itself or was told to; rejects with what ended it. */
  readonly ended: Promise<void>;
  private made: Source | undefined;

  constructor(options: RunOptions) {
    const reading = options.definition.read(options.config);
    if (!reading.ok) throw new Error(`read the config: ${JSON.stringify(reading.issues)}`);
    const report = (signal: Signal, fields: Fields = {}) => void this.reports.push({ signal: signal.name, fields });
    this.intake = new FakeIntake(options.work ?? new CommittedWork(), options.intake);
    // A data folder of its own: what lies in it is never read.
    const dataDir = join(options.dataDir, ".tailgate");
    mkdirSync(dataDir, { recursive: true });
    this.ended = this.run(reading.value, { ...sourceContext(dataDir, report), ...options.context }, options.held);
    // A failure is seen by whoever stops it; until then it must not end the test run.
    this.ended.catch(() => {});
  }

  get isLoaded(): boolean {
    return this.made !== undefined;
  }

  /** There once its implementation is loaded. */
  get source(): Source {
    if (this.made === undefined) throw new Error("the source is not loaded yet");
    return this.made;
  }

  /** Ends it as a crash would: what is not committed is lost. */
  async crash(): Promise<CommittedWork> {
    this.abort.abort();
    await this.ended;
    await this.made?.stop();
    return this.intake.work;
  }

  /** Ends it as a shutdown does: with a last commit. */
  async stop(): Promise<CommittedWork> {
    await this.crash();
    this.intake.commit();
    return this.intake.work;
  }

  /** Ends it as a reload does that makes it anew: with a last commit, and with what it held open for the next one. */
  async renew(): Promise<Holding | undefined> {
    this.abort.abort();
    await this.ended;
    this.intake.commit();
    const held = this.made?.handOver?.();
    await this.made?.stop();
    return held;
  }

  private async run(maker: SourceMaker, context: SourceContext, held: Holding | undefined): Promise<void> {
    this.made = await maker.create(context);
    if (held !== undefined) this.made.takeOver?.(held);
    await this.made.start();
    await this.made.run(this.intake, this.abort.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
  }
}

/** Starts a source. */
export function runSource(options: RunOptions): RunningSource {
  return new RunningSource(options);
}
