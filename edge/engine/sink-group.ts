import { aborted } from "../../shared/async/aborted.ts";
import { withDeadline } from "../../shared/async/deadline.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Random } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { SinkConfig } from "../config/agent-config.ts";
import type { Channel } from "../core/channel.ts";
import { type Layout, plainLayout } from "../core/layout.ts";
import type { Sink } from "../core/sink.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import { codes } from "./codes.ts";
import { type LaneRun, SinkRunner } from "./sink-runner.ts";
import type { StopDeadline } from "./stop-deadline.ts";

/** A sink that was made, and what goes when it goes. */
export interface MadeSink {
  readonly sink: Sink;
  /** Its metrics leave the page. */
  release(): void;
}

/** A sink that takes messages beside the batches. */
export interface MessageSink {
  readonly tell: NonNullable<Sink["tell"]>;
}

/** One channel, who shall drain it, and whom to tell. */
export interface SinkGroupOptions {
  readonly channel: Channel;
  /** In the order of the config: lanes are shared out by it. */
  readonly sinks: readonly (readonly [name: string, config: SinkConfig])[];
  readonly make: (name: string, config: SinkConfig) => Promise<MadeSink>;
  readonly random: Random;
  readonly report: Report;
  readonly onInvariant: (error: unknown) => void;
  readonly ended: () => void;
  /** A batch is handed to a sink, for the first time. */
  readonly taken: (batch: StoredBatch) => void;
}

/** `start` returns quickly and needs no destination; one that does not is a sink that cannot start. */
const startMsMax = 30_000;
/** What is under way when a stop begins mostly ends by itself, and need not come again then. */
const endsBySelfMsMax = 3_000;

/** The sinks that drain one channel and share out its lanes, with the runner that works them. */
export class SinkGroup {
  readonly channel: Channel;
  readonly sinks: readonly (readonly [name: string, config: SinkConfig])[];
  private readonly options: SinkGroupOptions;
  private readonly made = new Map<string, MadeSink>();
  private readonly stopping = new AbortController();
  private readonly givenUp = new AbortController();
  private runner: SinkRunner | undefined;
  private done: Promise<void> = Promise.resolve();

  constructor(options: SinkGroupOptions) {
    this.options = options;
    this.channel = options.channel;
    this.sinks = options.sinks;
  }

  /** How its sinks lay events out; undefined: it has none. */
  get layout(): Layout | undefined {
    if (this.sinks.length === 0) return undefined;
    const [first] = this.sinks.flatMap(([, { layout }]) => layout ?? []);
    return first ?? plainLayout(this.channel.name);
  }

  /** Makes and starts the sinks. @throws what keeps one from starting; those before it are for `stop`. */
  async start(): Promise<void> {
    for (const [name, config] of this.sinks) {
      const made = await this.options.make(name, config);
      const late = () => new AppError(codes.EDGE_SINK_START, `start sink "${name}": no answer in ${startMsMax} ms`);
      try {
        await withDeadline(made.sink.start(), startMsMax, late);
      } catch (error) {
        made.release();
        throw error;
      }
      this.made.set(name, made);
    }
  }

  /** Begins to deliver. */
  begin(): void {
    const { channel, random, report, onInvariant, ended, taken } = this.options;
    const sinks = [...this.made].map(([name, { sink }]) => ({ name, sink }));
    this.runner = new SinkRunner({ channel, sinks, random, report, onInvariant, ended, taken });
    this.done = this.runner.run(this.stopping.signal, this.givenUp.signal).catch(onInvariant);
  }

  lanes(): readonly LaneRun[] {
    return this.runner?.lanes() ?? [];
  }

  /** Ends deliveries, then the sinks. Answers what failed on the way, and whether the deliveries ended in time. */
  async stop(deadline: StopDeadline): Promise<{ readonly errors: readonly unknown[]; readonly delivered: boolean }> {
    const errors: unknown[] = [];
    this.stopping.abort();
    const patienceMs = Math.min(endsBySelfMsMax, deadline.leftMs / 2);
    const givingUp = setTimeout(() => this.givenUp.abort(), patienceMs);
    await Promise.race([this.done, aborted(this.givenUp.signal)]);
    clearTimeout(givingUp);
    this.givenUp.abort();
    const delivered = await deadline.wait(`deliveries of channel ${this.channel.name}`, this.done);
    for (const [name, { sink, release }] of this.made) {
      try {
        await deadline.wait(name, sink.stop());
      } catch (error) {
        errors.push(error);
      } finally {
        release();
      }
    }
    this.made.clear();
    return { errors, delivered };
  }

  /** Those of its sinks that take messages beside the batches. */
  *messengers(): Iterable<readonly [name: string, sink: MessageSink]> {
    for (const [name, { sink }] of this.made) {
      const { tell } = sink;
      if (tell !== undefined) yield [name, { tell: tell.bind(sink) }];
    }
  }

  /** Each sink for the status page. */
  *status(): Iterable<readonly [name: string, status: Readonly<Record<string, unknown>>]> {
    for (const [name, { sink }] of this.made) {
      const lanes = this.lanes()
        .filter((run) => run.sink === name)
        .map(laneStatus);
      yield [name, { ...sink.status(), lanes }];
    }
  }
}

/** One lane for the status page: what the runner knows, and what its sink says of it. */
export function laneStatus({ lane, state, details }: LaneRun): Readonly<Record<string, unknown>> {
  const { stream, number, epoch, group } = lane;
  return { stream, lane: number, epoch, group, ...details(), state };
}
