/**
 * One agent: the components of a valid config, and their life.
 *
 * What is leaned on starts first and stops last: channel store → sinks → sink runners → sources; a stop goes the other
 * way, drains what it can within the deadline and closes the file. What a durable channel still holds then is safe.
 * `kill -9` is a supported way to stop: the start is the recovery.
 *
 * A reload compares what runs with the new config (reload-plan.ts) and touches only what differs. Everything that may
 * fail comes first; then, in one turn of the event loop and right after a commit, chains are changed and what is new
 * begins. So a source keeps its open files while a certificate is renewed.
 */

import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { defineSignal } from "../../shared/telemetry/log.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { ChannelStat } from "../core/channel.ts";
import type { OpenedTap, TapOptions } from "../taps/tap.ts";
import { Taps } from "../taps/taps.ts";
import { AgentChannels, outlives } from "./agent-channels.ts";
import type { AgentOptions } from "./agent-options.ts";
import { AgentParts } from "./agent-parts.ts";
import type { Book, StreamCounters } from "./books.ts";
import { codes } from "./codes.ts";
import { drain, heldIn } from "./drain.ts";
import { FileWatch } from "./file-watch.ts";
import { diskRefusal, FullChannels } from "./full-channels.ts";
import { LoopLag } from "./loop-lag.ts";
import { observeAgent, type StreamLanes } from "./observe-agent.ts";
import { openTap } from "./open-tap.ts";
import { type Parts, planReload, type ReloadPlan } from "./reload-plan.ts";
import { StopDeadline } from "./stop-deadline.ts";
import { readVitals, type Vitals } from "./vitals.ts";

/** Plain values for the status page. */
export interface AgentStatus {
  readonly agent: string;
  readonly epoch: string;
  readonly state: AgentState;
  /** Why it is not ready; empty when it is. */
  readonly unready: readonly string[];
  readonly sources: Readonly<Record<string, unknown>>;
  readonly channels: Readonly<Record<string, ChannelStat>>;
  readonly sinks: Readonly<Record<string, unknown>>;
  readonly books: readonly Book[];
  readonly lanes: readonly StreamLanes[];
  /** What the streams count beside their books. */
  readonly counts: Readonly<Record<string, StreamCounters>>;
  /** Of each stream, by interceptor: what it dropped. */
  readonly filtered: Readonly<Record<string, StreamCounters>>;
}

export type AgentState = "idle" | "starting" | "running" | "stopping" | "stopped" | "failed";

const signals = {
  positionsUnused: defineSignal({
    name: "agent_positions_unused",
    level: "warn",
    message:
      "Positions are stored of sources that the config does not name, and it names sources that have none. A source is known by its name: one that was renamed reads everything again, unless it gets its old name back",
  }),
  started: defineSignal({ name: "agent_started", level: "info", message: "The agent runs" }),
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

/** Shares of a stop's deadline: sources have ended, draining is over, sinks have stopped. The rest is the file's. */
const shares = { sources: 0.4, drain: 0.75, sinks: 0.95 } as const;

export class Agent {
  private readonly options: AgentOptions;
  private config: AgentConfig;
  private stateNow: AgentState = "idle";
  private channels: AgentChannels | undefined;
  private parts: AgentParts | undefined;
  private readonly loopLag = new LoopLag();
  private readonly full: FullChannels;
  private readonly fileWatch: FileWatch;
  private over: "not" | "ending" | "whole" = "not";

  constructor(options: AgentOptions) {
    this.options = options;
    this.config = options.config;
    this.full = new FullChannels(() => this.channels?.all() ?? [], options.report);
    this.fileWatch = new FileWatch(() => this.channels?.store, options.report);
  }

  get state(): AgentState {
    return this.stateNow;
  }

  /** Why it does not do its work, a sentence each. A destination that is away does not make an agent unready: it buffers. */
  unready(): readonly string[] {
    const { channels } = this;
    if (this.stateNow !== "running" || channels === undefined) return [`the agent is ${this.stateNow}`];
    const reasons: string[] = [];
    if (channels.committer.stuck) reasons.push("the channel file takes no writes");
    const misplaced = channels.store.misplaced();
    if (misplaced !== undefined) reasons.push(`what is written now is lost at a restart: ${misplaced}`);
    for (const channel of channels.all()) {
      const refusal = diskRefusal(channel);
      if (refusal !== undefined) reasons.push(refusal);
    }
    for (const source of this.parts?.sources.values() ?? []) {
      const reason = source.unready();
      if (reason !== undefined) reasons.push(`source ${source.name} ${reason}`);
    }
    for (const { lane, sink, state } of this.parts?.laneRuns() ?? []) {
      if (state.kind !== "failed") continue;
      const { stream, number, epoch } = lane;
      reasons.push(`lane ${stream}.${number} of epoch ${epoch} cannot go on by sink ${sink}: ${state.message}`);
    }
    return reasons;
  }

  /**
   * Opens the channel file and starts everything. Destinations may be away.
   *
   * @throws AppError what kept it from starting; everything that was started is stopped again.
   */
  async start(): Promise<void> {
    this.stateNow = "starting";
    const { config, loopLag } = this;
    try {
      const channels = new AgentChannels(this.options);
      const parts = new AgentParts(this.options, channels, new Taps());
      this.channels = channels;
      this.parts = parts;
      this.noteRenamed(config);
      const plan = planReload(nothing, config);
      await channels.make(config.channels);
      parts.begin(config, await parts.startNew(config, plan));
      observeAgent(this.options.metrics, {
        channels: () => channels.all(),
        books: () => channels.books.all(),
        beside: () => channels.books.beside(),
        sources: () => parts.sources.values(),
        lanes: () => parts.streamLanes(),
        deliveries: () => parts.laneRuns(),
        loopLag,
      });
      loopLag.start();
      this.full.start();
      this.fileWatch.start();
    } catch (error) {
      this.stateNow = "failed";
      const { errors } = await this.stopEverything(false);
      for (const each of errors) this.options.report(signals.notStopped, { error: messageOf(each) });
      throw error;
    }
    this.stateNow = "running";
    this.options.report(signals.started, { agent: config.agent, epoch: this.channels?.store.epoch });
  }

  /** A source that only left is not worth a word, nor is one that only came. */
  private noteRenamed({ sources }: AgentConfig): void {
    const stored = this.channels?.store.streams() ?? new Set();
    // Other rows of this kind have a slash in their name, sources never.
    const left = [...stored].filter((stream) => !sources.has(stream) && !stream.includes("/"));
    const came = [...sources.keys()].filter((name) => !stored.has(name));
    if (left.length === 0 || came.length === 0) return;
    this.options.report(signals.positionsUnused, { stored: left.join(", "), without: came.join(", ") });
  }

  /**
   * Puts another config in force; `agent` and `dataDir` are the same. Answers what was done.
   *
   * @throws AppError why it is not in force. Part of it may be: a reload of the config before mends that.
   */
  async reload(config: AgentConfig): Promise<ReloadPlan> {
    const { channels, parts } = this;
    if (channels === undefined || parts === undefined) throw new AppError("USAGE", "reload the config: no agent runs");
    this.noteRenamed(config);
    const plan = planReload(parts.running(), config);
    const steps = new Map([...plan.channels].map(([name, step]) => [step, name]));
    const deadline = new StopDeadline(performance.now() + config.stopTimeoutMs, this.options.report);
    await parts.stopGoing(plan, deadline);
    await this.letGo(plan, deadline);
    await channels.make(config.channels);
    const fresh = await parts.startNew(config, plan);
    if (fresh.links.size > 0 || steps.has("stop")) {
      try {
        await this.committed(channels, deadline);
        refuseHeld(channels, plan);
      } catch (error) {
        await parts.stopNew(fresh, deadline);
        throw error;
      }
    }
    // Nothing waits here: what is pending is stored, and no source has had a turn.
    parts.begin(config, fresh);
    channels.committer.lingerMs = config.lingerMs;
    this.config = config;
    if (!config.tap) parts.taps.endAll();
    await channels.settle(config.channels);
    return plan;
  }

  /** Stops within `stopTimeoutMs`. @throws AggregateError of what failed on the way; it stopped all the same. */
  async stop(): Promise<void> {
    if (this.stateNow === "stopped" || this.stateNow === "stopping") return;
    this.stateNow = "stopping";
    this.options.report(signals.stopping);
    const { errors, held } = await this.stopEverything(true);
    this.stateNow = "stopped";
    this.options.report(held > 0 ? signals.stillHeld : signals.stopped, { held });
    if (errors.length > 0) throw new AggregateError(errors, `stop agent "${this.config.agent}"`);
  }

  /** It cannot go on as any config says: the process must end. */
  fail(): void {
    this.stateNow = "failed";
  }

  status(): AgentStatus {
    const { channels, parts } = this;
    return {
      agent: this.config.agent,
      epoch: channels?.store.epoch ?? "",
      state: this.stateNow,
      unready: this.unready(),
      sources: Object.fromEntries([...(parts?.sources ?? [])].map(([name, run]) => [name, run.status()])),
      channels: Object.fromEntries(channels?.all().map((channel) => [channel.name, channel.stat()]) ?? []),
      sinks: Object.fromEntries([...(parts?.groups.values() ?? [])].flatMap((group) => [...group.status()])),
      books: channels?.books.all() ?? [],
      lanes: parts?.streamLanes() ?? [],
      counts: Object.fromEntries(channels?.books.beside() ?? []),
      filtered: Object.fromEntries(channels?.books.filtered() ?? []),
    };
  }

  /** Lets somebody look at events as they pass; undefined before the start and after the stop. */
  tap(options: TapOptions): OpenedTap | undefined {
    const { channels, parts } = this;
    if (channels === undefined || parts === undefined || this.over !== "not") return undefined;
    return openTap(options, parts, channels);
  }

  /** What a heartbeat is made of; undefined before the start and after the stop. */
  vitals(): Vitals | undefined {
    const { channels, parts } = this;
    if (channels === undefined || parts === undefined || this.over === "whole") return undefined;
    const { dataDir } = this.config;
    const { epoch } = channels.store;
    return readVitals({ epoch, dataDir, groups: parts.groups.values(), counts: channels.books.beside() });
  }

  /** Stops what runs, whatever fails on the way; answers what failed and how much is held. */
  private async stopEverything(
    draining: boolean,
  ): Promise<{ readonly errors: readonly unknown[]; readonly held: number }> {
    const { channels, parts } = this;
    const errors: unknown[] = [];
    const sources = [...(parts?.sources.values() ?? [])];
    const groups = [...(parts?.groups.values() ?? [])];
    if (this.over !== "not") return { errors, held: 0 };
    this.over = "ending";
    const nowMs = performance.now();
    const until = (share: number) => new StopDeadline(nowMs + this.config.stopTimeoutMs * share, this.options.report);
    const attempt = async (work: () => Promise<unknown> | unknown) => {
      try {
        await work();
      } catch (error) {
        errors.push(error);
      }
    };
    this.loopLag.stop();
    this.full.stop();
    this.fileWatch.stop();
    for (const run of sources) run.abort();
    await Promise.all(sources.map((run) => attempt(() => run.ended(until(shares.sources)))));
    await attempt(() => channels?.committer.commit());
    for (const run of sources) await attempt(() => run.stop(until(shares.drain)));
    parts?.dropHeld();
    const drainUntilMs = draining ? until(shares.drain).untilMs : nowMs;
    // What nobody delivers (a reload that failed half-way) is not waited for.
    const delivered = groups.map(({ channel }) => channel);
    await attempt(() => drain(delivered, () => parts?.laneRuns() ?? [], drainUntilMs));
    if (draining)
      await attempt(() => until(shares.sinks).wait("last words", this.options.lastWords?.() ?? Promise.resolve()));
    this.over = "whole";
    for (const group of groups) errors.push(...(await group.stop(until(shares.sinks))).errors);
    // What memory channels have delivered meanwhile: the positions of their sources.
    await attempt(() => channels?.committer.commit());
    channels?.committer.close();
    let held = 0;
    await attempt(() => {
      held = heldIn(channels?.all() ?? []);
    });
    await attempt(() => channels?.close());
    // What a channel wrote to the disk when it was let go of: the positions of its sources.
    await attempt(() => channels?.committer.commit());
    await attempt(() => channels?.store.close());
    return { errors, held };
  }

  /**
   * Of channels that keep their batches themselves and go, or are made anew: first they get what their sources read last, then they
   * write down what they can, then the positions of that are stored. Before anything reads on from there.
   */
  private async letGo(plan: ReloadPlan, deadline: StopDeadline): Promise<void> {
    const { channels, parts } = this;
    if (channels === undefined || parts === undefined) return;
    const goes = [...plan.channels.values()].some((step) => step === "stop" || step === "renew");
    try {
      if (goes) await this.committed(channels, deadline);
      refuseHeld(channels, plan);
      await channels.letGo(plan.channels);
    } finally {
      parts.forgetLost();
    }
    if (goes) await this.committed(channels, deadline);
  }

  /** Resolves right after a commit that succeeded. @throws AppError `EDGE_RELOAD_WAITS` when the disk takes none in time. */
  private async committed({ committer }: AgentChannels, deadline: StopDeadline): Promise<void> {
    while (!committer.commit()) {
      if (deadline.leftMs === 0) {
        throw new AppError(codes.EDGE_RELOAD_WAITS, "reload the config: what was read before cannot be stored now");
      }
      await committer.committed.wait(AbortSignal.timeout(deadline.leftMs));
    }
  }
}

const nothing: Parts = { sources: new Map(), channels: new Map(), sinks: new Map() };

/** @throws AppError `EDGE_CHANNEL_UNNAMED` when a channel that goes holds events. */
function refuseHeld(channels: AgentChannels, plan: ReloadPlan): void {
  for (const channel of channels.all()) {
    const { name } = channel;
    const { events } = channel.stat();
    if (plan.channels.get(name) !== "stop" || !outlives(channel) || events === 0) continue;
    throw new AppError(
      "EDGE_CHANNEL_UNNAMED",
      `reload the config: channel "${name}" is no longer named but holds ${events} events`,
    );
  }
}
