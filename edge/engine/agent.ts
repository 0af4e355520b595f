/**
 * One agent: the components of a valid config, and their life.
 *
 * What is leaned on starts first and stops last: channel store → sinks → sink runners → sources; a stop goes the other
 * way, drains what it can within the deadline and closes the file. What a durable channel still holds then is safe.
 * `kill -9` is a supported way to stop: the start is the recovery.
 */
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import type { Random } from "../../shared/random/random.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { AgentConfig, SourceConfig } from "../config/agent-config.ts";
import type { Channel, ChannelStat } from "../core/channel.ts";
import type { ChannelStore, OpenChannelStore, PositionUpdate, StoredChannel } from "../core/channel-store.ts";
import type { Context } from "../core/context.ts";
import { type Layout, plainLayout } from "../core/layout.ts";
import type { Source } from "../core/source.ts";
import { type Book, type BookedStream, bookStream, keepBooks } from "./books.ts";
import { Committer } from "./committer.ts";
import { drain, heldIn } from "./drain.ts";
import { StreamIntake } from "./intake.ts";
import { LaneRouter, type LaneUse } from "./lane-router.ts";
import { LatePositions } from "./late-positions.ts";
import { LoopLag } from "./loop-lag.ts";
import { observeAgent } from "./observe-agent.ts";
import { type LaneRun, type NamedSink, SinkRunner } from "./sink-runner.ts";

/** Everything an agent needs from outside. */
export interface AgentOptions {
  readonly config: AgentConfig;
  readonly openStore: OpenChannelStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  readonly metrics: Metrics;
  /** Our own broken assumption, from wherever it came: the process must stop. */
  readonly onInvariant: (error: unknown) => void;
}

/** Plain values for the status page. */
export interface AgentStatus {
  readonly agent: string;
  readonly epoch: string;
  readonly state: AgentState;
  readonly sources: Readonly<Record<string, unknown>>;
  readonly channels: Readonly<Record<string, ChannelStat>>;
  readonly sinks: Readonly<Record<string, unknown>>;
  readonly books: readonly Book[];
  /** How many lanes each stream has in each channel, and how many it may have. */
  readonly lanes: readonly (LaneUse & { readonly stream: string; readonly channel: string })[];
}

export type AgentState = "idle" | "starting" | "running" | "stopping" | "stopped" | "failed";

const signals = {
  started: defineSignal({ name: "agent_started", level: "info", message: "The agent runs" }),
  sourceFailed: defineSignal({
    name: "source_failed",
    level: "error",
    message: "A source ended; it is started again",
    atMostEveryMs: 30_000,
  }),
  stopping: defineSignal({ name: "agent_stopping", level: "info", message: "Stopping: draining what the sinks take" }),
  notStopped: defineSignal({
    name: "agent_start_undone_badly",
    level: "error",
    message: "The start failed, and so did stopping what was started already",
  }),
  stillHeld: defineSignal({
    name: "agent_stopped_holding",
    level: "info",
    message: "Stopped; the channels keep what is not delivered yet",
  }),
  stopped: defineSignal({ name: "agent_stopped", level: "info", message: "Stopped; nothing is held back" }),
};

const sourceRetryMs = 5_000;
/** Share of the stop's deadline that is for draining. */
const drainShare = 0.75;

interface RunningSource {
  readonly name: string;
  readonly source: Source;
  readonly intake: StreamIntake;
  readonly routers: readonly LaneRouter[];
  readonly channels: readonly Channel[];
  readonly booked: BookedStream;
  done: Promise<void>;
}

export class Agent {
  private readonly options: AgentOptions;
  private stateNow: AgentState = "idle";
  private store: ChannelStore | undefined;
  private committer: Committer | undefined;
  private readonly channels = new Map<string, Channel>();
  private readonly sinks: (NamedSink & { readonly channel: string })[] = [];
  private readonly runners: { readonly runner: SinkRunner; readonly done: Promise<void> }[] = [];
  private readonly sources: RunningSource[] = [];
  private readonly stopSources = new AbortController();
  private readonly stopSinks = new AbortController();
  private readonly loopLag = new LoopLag();
  /** Of channels that keep their batches themselves: moved, and not yet stored. */
  private readonly movedPositions: PositionUpdate[] = [];

  constructor(options: AgentOptions) {
    this.options = options;
  }

  get state(): AgentState {
    return this.stateNow;
  }

  /** Sources and channels run. A destination that is away does not make an agent unready: it buffers. */
  get ready(): boolean {
    return this.stateNow === "running" && this.committer?.stuck === false;
  }

  /**
   * Opens the channel file and starts everything. Destinations may be away.
   *
   * @throws AppError what kept it from starting; everything that was started is stopped again.
   */
  async start(): Promise<void> {
    this.stateNow = "starting";
    try {
      const store = await this.openChannels();
      await this.startSinks(store);
      await this.startSources(store);
      observeAgent(this.options.metrics, {
        store,
        channels: this.channels,
        streams: this.sources.map(({ booked, routers }) => ({ booked, routers })),
        loopLag: this.loopLag,
      });
      this.loopLag.start();
    } catch (error) {
      this.stateNow = "failed";
      const also = await this.stopEverything(0);
      for (const each of also) this.options.report(signals.notStopped, { error: messageOf(each) });
      throw error;
    }
    this.stateNow = "running";
    this.options.report(signals.started, { agent: this.options.config.agent, epoch: this.store?.epoch });
  }

  /** Stops within `stopTimeoutMs`. @throws AggregateError of what failed on the way; it stopped all the same. */
  async stop(): Promise<void> {
    if (this.stateNow === "stopped" || this.stateNow === "stopping") return;
    this.stateNow = "stopping";
    this.options.report(signals.stopping);
    const errors = await this.stopEverything(this.options.config.stopTimeoutMs * drainShare);
    this.stateNow = "stopped";
    const held = heldIn(this.channels.values());
    this.options.report(held > 0 ? signals.stillHeld : signals.stopped, { held });
    if (errors.length > 0) throw new AggregateError(errors, `stop agent "${this.options.config.agent}"`);
  }

  status(): AgentStatus {
    const { config } = this.options;
    const sinks: Record<string, unknown> = {};
    for (const { name, sink } of this.sinks) {
      const lanes = this.laneRuns().filter((run) => run.sink === name);
      sinks[name] = {
        ...sink.status(),
        lanes: lanes.map(({ lane, state }) => ({
          stream: lane.stream,
          lane: lane.number,
          epoch: lane.epoch,
          group: lane.group,
          state,
        })),
      };
    }
    return {
      agent: config.agent,
      epoch: this.store?.epoch ?? "",
      state: this.stateNow,
      sources: Object.fromEntries(this.sources.map(({ name, source }) => [name, source.status()])),
      channels: Object.fromEntries([...this.channels].map(([name, channel]) => [name, channel.stat()])),
      sinks,
      books: this.books(),
      lanes: this.sources.flatMap(({ name, routers, channels }) =>
        routers.map(({ use }, index) => ({ stream: name, channel: channels[index]?.name ?? "", ...use })),
      ),
    };
  }

  private async openChannels(): Promise<ChannelStore> {
    const { config, openStore, clock, random, report, metrics } = this.options;
    const { agent, dataDir, lingerMs } = config;
    const stored = new Map<string, StoredChannel>();
    for (const [name, maker] of config.channels) if (maker.stored !== undefined) stored.set(name, maker.stored);
    const store = openStore({ dataDir, agent, channels: stored, clock, random, report, metrics });
    this.store = store;
    for (const [name, maker] of config.channels) {
      this.channels.set(name, await maker.create({ ...this.context(name), store }));
    }
    const late = new LatePositions(
      (name) => this.channel(name),
      (positions) => this.moved(positions),
    );
    this.committer = new Committer({
      store,
      channels: [...this.channels.values()],
      putSelfKept: (part) => late.put(part),
      lingerMs,
      report,
      metrics,
    });
    this.committer.add({ collect: ({ positions }) => positions.push(...this.movedPositions.splice(0)) });
    return store;
  }

  /** Sources of channels that keep their batches themselves have got this far. It rides in a commit: a disk that refuses it makes it late, not lost. */
  private moved(positions: readonly PositionUpdate[]): void {
    for (const position of positions) this.movedPositions.push(position);
    this.committer?.schedule();
  }

  private async startSinks(store: ChannelStore): Promise<void> {
    for (const [name, { make, channel }] of this.options.config.sinks) {
      const sink = await make.create({
        ...this.context(name),
        partsKnown: (group, parts) => this.partsKnown(channel, group, parts),
        renewEpoch: (reason) => this.renewEpoch(store, reason),
      });
      await sink.start();
      this.sinks.push({ name, sink, channel });
    }
    for (const [name, channel] of this.channels) {
      const runner = new SinkRunner({
        channel,
        sinks: this.sinks.filter((sink) => sink.channel === name),
        random: this.options.random,
        report: this.options.report,
        onInvariant: this.options.onInvariant,
        ended: () => this.committer?.acknowledged(),
      });
      const done = runner.run(this.stopSinks.signal).catch(this.options.onInvariant);
      this.runners.push({ runner, done });
    }
  }

  private async startSources(store: ChannelStore): Promise<void> {
    const { committer } = this;
    if (committer === undefined) throw new AppError("INVARIANT", "start sources: the channels are not open");
    for (const [name, config] of this.options.config.sources) {
      const running = await this.assembleSource(store, committer, name, config);
      await running.source.start();
      this.sources.push(running);
      committer.add(running.intake);
      running.done = this.runSource(running);
    }
  }

  private async assembleSource(
    store: ChannelStore,
    committer: Committer,
    name: string,
    config: SourceConfig,
  ): Promise<RunningSource> {
    const { clock } = this.options;
    const channels = config.channels.map((channel) => this.channel(channel));
    const targets = channels.map((channel) => ({
      channel,
      router: new LaneRouter({
        agent: this.options.config.agent,
        stream: name,
        channel,
        layout: this.layoutOf(channel.name),
        report: this.options.report,
        epoch: () => store.epoch,
      }),
    }));
    const context = this.context(name);
    const intake = new StreamIntake({
      stream: name,
      interceptors: await Promise.all(
        config.interceptors.map(async (link) => ({
          name: link.name,
          interceptor: await link.make.create(this.context(`${name}.${link.name}`)),
        })),
      ),
      selector: await config.selector.create({ ...context, channels: config.channels }),
      targets,
      committer,
      clock,
      positions: store.positions(name),
    });
    const routers = targets.map(({ router }) => router);
    const booked = bookStream(store, name, channels);
    const source = await config.make.create(context);
    return { name, source, intake, routers, channels, booked, done: Promise.resolve() };
  }

  /** A source that ends without having been asked to is started again: one bad file must not end a vehicle's stream. */
  private async runSource({ name, source, intake }: RunningSource): Promise<void> {
    const { signal } = this.stopSources;
    while (!signal.aborted) {
      try {
        await source.run(intake, signal);
        if (signal.aborted) return;
      } catch (error) {
        if (error instanceof AppError && error.severity === "invariant") {
          this.options.onInvariant(error);
          return;
        }
        this.options.report(signals.sourceFailed, { component: name, error: messageOf(error) });
      }
      await sleep(sourceRetryMs, signal);
    }
  }

  /** Stops what runs, whatever fails on the way; answers what failed. Waits `drainMs` at most for the channels to run empty. */
  private async stopEverything(drainMs: number): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    const attempt = async (work: () => Promise<void> | void) => {
      try {
        await work();
      } catch (error) {
        errors.push(error);
      }
    };
    const commit = () => {
      this.committer?.commit();
    };
    const drainUntilMs = performance.now() + drainMs;
    this.loopLag.stop();
    this.stopSources.abort();
    await Promise.all(this.sources.map(({ done }) => done));
    await attempt(commit);
    for (const { source } of this.sources) await attempt(() => source.stop());
    await attempt(() => drain([...this.channels.values()], () => this.laneRuns(), drainUntilMs));
    this.stopSinks.abort();
    await Promise.all(this.runners.map(({ done }) => done));
    for (const { sink } of this.sinks) await attempt(() => sink.stop());
    // What channels that keep their batches themselves have delivered meanwhile: the positions of their sources.
    await attempt(commit);
    for (const channel of this.channels.values()) if (channel.keeping !== "store") await attempt(() => channel.close());
    this.committer?.close();
    await attempt(() => this.store?.close());
    return errors;
  }

  private laneRuns(): readonly LaneRun[] {
    return this.runners.flatMap(({ runner }) => runner.lanes());
  }

  private books(): Book[] {
    const { store } = this;
    if (store === undefined) return [];
    return this.sources.flatMap(({ booked }) => keepBooks(store, booked));
  }

  private partsKnown(channel: string, group: string, parts: number): void {
    for (const { routers, channels } of this.sources) {
      for (const [index, router] of routers.entries()) {
        if (channels[index]?.name === channel) router.partsKnown(group, parts);
      }
    }
  }

  private renewEpoch(store: ChannelStore, reason: string): void {
    // What is open was numbered under the old epoch: it is committed there, then the new one begins.
    this.committer?.commit();
    store.renewEpoch(reason);
    for (const { routers } of this.sources) {
      for (const router of routers) router.epochRenewed();
    }
  }

  private layoutOf(channel: string): Layout {
    for (const sink of this.options.config.sinks.values()) {
      if (sink.channel === channel && sink.layout !== undefined) return sink.layout;
    }
    return plainLayout(channel);
  }

  private channel(name: string): Channel {
    const channel = this.channels.get(name);
    if (channel === undefined) throw new AppError("INVARIANT", `channel "${name}" is in the config but was not made`);
    return channel;
  }

  private context(name: string): Context {
    const { config, clock, random, report, metrics } = this.options;
    return { name, agent: config.agent, dataDir: config.dataDir, clock, random, report, metrics };
  }
}
