/**
 * The sources and sinks of an agent that run, and the steps by which a plan changes them:
 *
 *     stop what goes → make and start what is new → (commit) → begin
 *
 * All that may fail or wait is in the first two; `begin` is one turn of the event loop. What does not end is never made
 * anew beside itself: then the change fails.
 */

import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { defineSignal } from "../../shared/telemetry/log.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import type { Holding } from "../core/source.ts";
import type { Taps } from "../taps/taps.ts";
import type { AgentChannels } from "./agent-channels.ts";
import type { AgentOptions } from "./agent-options.ts";
import { Assembly } from "./assembly.ts";
import { codes } from "./codes.ts";
import type { Links, StreamIntake } from "./intake.ts";
import type { StreamLanes } from "./observe-agent.ts";
import type { Parts, ReloadPlan } from "./reload-plan.ts";
import type { SinkGroup } from "./sink-group.ts";
import type { LaneRun } from "./sink-runner.ts";
import type { SourceRun } from "./source-run.ts";
import { StopDeadline } from "./stop-deadline.ts";

const signals = {
  notStopped: defineSignal({
    name: "agent_start_undone_badly",
    level: "error",
    message: "The start failed, and so did stopping what was started already",
  }),
  stoppedBadly: defineSignal({
    name: "config_reload_stop_failed",
    level: "warn",
    message: "Something of the old config did not stop as it should; what is held is safe",
  }),
};

/** What a plan asks for anew: made and started, not begun yet. */
export interface NewParts {
  readonly sources: SourceRun[];
  readonly groups: SinkGroup[];
  /** Of the sources whose chain is made anew. */
  readonly links: Map<string, Links>;
}

export class AgentParts {
  readonly sources = new Map<string, SourceRun>();
  /** By channel. */
  readonly groups = new Map<string, SinkGroup>();
  private readonly options: AgentOptions;
  private readonly channels: AgentChannels;
  private readonly assembly: Assembly;
  /** During a change: the intakes of sources that are made anew, with what they have put. */
  private readonly ended = new Map<string, StreamIntake>();
  /** During a change: what those sources held open. Kept for the way back when the change fails. */
  private readonly held = new Map<string, Holding>();
  /** During a change: ended sources that fed a channel which goes with what it holds. */
  private readonly losing = new Set<string>();

  constructor(
    options: AgentOptions,
    channels: AgentChannels,
    readonly taps: Taps,
  ) {
    this.options = options;
    this.channels = channels;
    const words = {
      partsKnown: (channel: string, group: string, parts: number) => this.partsKnown(channel, group, parts),
      renewEpoch: (reason: string) => this.renewEpoch(reason),
    };
    this.assembly = new Assembly(options, channels, words, taps);
  }

  /** What runs, as configs: what a reload compares with. */
  running(): Parts {
    return {
      sources: new Map([...this.sources].map(([name, run]) => [name, run.config])),
      channels: this.channels.makers,
      sinks: new Map([...this.groups.values()].flatMap(({ sinks }) => [...sinks])),
    };
  }

  /** Stops what goes or is made anew. @throws AppError `EDGE_RELOAD_FAILED` when something that is made anew does not end. */
  async stopGoing(plan: ReloadPlan, deadline: StopDeadline): Promise<void> {
    const errors = await this.stopSources(plan, deadline);
    for (const [channel, group] of [...this.groups]) {
      if (!isGoing(plan.sinks.get(channel))) continue;
      const stopped = await group.stop(deadline);
      errors.push(...stopped.errors);
      this.groups.delete(channel);
      if (!stopped.delivered) throw stillRuns(`a delivery of channel ${channel}`);
    }
    for (const error of errors) this.options.report(signals.stoppedBadly, { error: messageOf(error) });
  }

  /** What channels that are gone had not delivered, nor written down: its sources read it again. After they were let go of. */
  forgetLost(): void {
    for (const stream of this.losing) this.channels.late.forget(stream);
    this.losing.clear();
  }

  /** Makes and starts what is new: sinks, then sources. @throws what kept one from starting; the others are stopped again. */
  async startNew(config: AgentConfig, plan: ReloadPlan): Promise<NewParts> {
    const fresh: NewParts = { sources: [], groups: [], links: new Map() };
    try {
      for (const [name, step] of plan.sinks) {
        if (!isComing(step)) continue;
        const group = this.assembly.group(config, name);
        fresh.groups.push(group);
        await group.start();
      }
      for (const [name, step] of plan.sources) {
        const source = config.sources.get(name);
        if (source === undefined) continue;
        if (step === "rechain") fresh.links.set(name, await this.assembly.links(name, source));
        if (!isComing(step)) continue;
        const run = this.assembly.source(name, source, this.ended.get(name));
        await run.start();
        fresh.sources.push(run);
      }
    } catch (error) {
      await this.stopNew(fresh, new StopDeadline(performance.now() + config.stopTimeoutMs, this.options.report));
      throw error;
    }
    return fresh;
  }

  async stopNew({ sources, groups }: NewParts, deadline: StopDeadline): Promise<void> {
    const errors: unknown[] = [];
    for (const run of sources) await run.stop(deadline).catch((error: unknown) => errors.push(error));
    for (const group of groups) errors.push(...(await group.stop(deadline)).errors);
    for (const error of errors) this.options.report(signals.notStopped, { error: messageOf(error) });
  }

  /** In one turn, right after a commit where a chain is changed: from here on the config is in force. */
  begin(config: AgentConfig, { sources, groups, links }: NewParts): void {
    this.assembly.config = config;
    for (const [name, each] of links) this.rechain(config, name, each);
    for (const group of groups) {
      group.channel.handOver();
      if (group.channel.keeping !== "store") group.channel.drainedBy?.(group.layout);
      this.groups.set(group.channel.name, group);
      group.begin();
    }
    for (const run of sources) {
      this.feed(run.name, run.config.channels);
      this.sources.set(run.name, run);
      run.begin(this.held.get(run.name));
      this.held.delete(run.name);
    }
    this.dropHeld();
    for (const name of config.sources.keys()) {
      const run = this.sources.get(name);
      // In the order of the config again.
      if (run !== undefined && this.sources.delete(name)) this.sources.set(name, run);
    }
  }

  /** Nobody takes it any more. */
  dropHeld(): void {
    for (const held of this.held.values()) held.close();
    this.held.clear();
  }

  laneRuns(): readonly LaneRun[] {
    return [...this.groups.values()].flatMap((group) => group.lanes());
  }

  streamLanes(): readonly StreamLanes[] {
    return [...this.sources.values()].flatMap(({ name, intake }) =>
      (intake?.chainTargets ?? []).map(({ channel, router }) => ({
        stream: name,
        channel: channel.name,
        ...router.use,
      })),
    );
  }

  private async stopSources(plan: ReloadPlan, deadline: StopDeadline): Promise<unknown[]> {
    const errors: unknown[] = [];
    this.ended.clear();
    const going = [...this.sources.values()].filter(({ name }) => isGoing(plan.sources.get(name)));
    for (const run of going) run.abort();
    for (const run of going) {
      if (!(await run.ended(deadline)) && plan.sources.get(run.name) === "renew") throw stillRuns(`source ${run.name}`);
    }
    if (going.length > 0) this.channels.committer.commit();
    for (const run of going) {
      const held = plan.sources.get(run.name) === "renew" ? run.handOver() : undefined;
      if (held !== undefined) this.held.set(run.name, held);
      await run.stop(deadline).catch((error: unknown) => errors.push(error));
      this.sources.delete(run.name);
      if (plan.sources.get(run.name) === "stop") {
        this.channels.books.forget(run.name);
        this.assembly.forget(run.name);
      }
      if (run.config.channels.some((name) => isGoing(plan.channels.get(name)))) this.losing.add(run.name);
      else if (run.intake !== undefined) this.ended.set(run.name, run.intake);
    }
    return errors;
  }

  private rechain(config: AgentConfig, name: string, links: Links): void {
    const [run, source] = [this.sources.get(name), config.sources.get(name)];
    if (run === undefined || source === undefined) return;
    run.rechain(source, this.assembly.chain(name, source, links));
    this.feed(name, source.channels);
  }

  private feed(stream: string, channels: readonly string[]): void {
    this.channels.books.feed(
      stream,
      channels.map((name) => this.channels.get(name)),
    );
  }

  private partsKnown(channel: string, group: string, parts: number): void {
    const drained = this.groups.get(channel)?.channel;
    if (drained !== undefined && drained.keeping !== "store") drained.partsKnown?.(group, parts);
    for (const { intake } of this.sources.values()) {
      for (const target of intake?.chainTargets ?? []) {
        if (target.channel.name === channel) target.router.partsKnown(group, parts);
      }
    }
  }

  private renewEpoch(reason: string): void {
    const { committer, store } = this.channels;
    // What is open was numbered under the old epoch: it is committed there, then the new one begins.
    committer.commit();
    store.renewEpoch(reason);
    for (const { intake } of this.sources.values()) {
      for (const { router } of intake?.chainTargets ?? []) router.epochRenewed();
    }
  }
}

function isGoing(step: string | undefined): boolean {
  return step === "stop" || step === "renew";
}

function isComing(step: string | undefined): boolean {
  return step === "start" || step === "renew";
}

function stillRuns(what: string): AppError {
  return new AppError(codes.EDGE_RELOAD_FAILED, `reload the config: ${what} of the old one does not end`);
}
