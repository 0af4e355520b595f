import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { AgentConfig, SinkConfig, SourceConfig } from "../config/agent-config.ts";
import type { Context } from "../core/context.ts";
import { FileReaders } from "../core/file-readers.ts";
import { carriedSideBySide, type Layout, plainLayout } from "../core/layout.ts";
import type { Taps } from "../taps/taps.ts";
import type { AgentChannels } from "./agent-channels.ts";
import { type AgentOptions, contextOf } from "./agent-options.ts";
import { type Chain, type Links, StreamIntake } from "./intake.ts";
import { LaneRouter } from "./lane-router.ts";
import { sinksOf } from "./reload-plan.ts";
import { type MadeSink, SinkGroup } from "./sink-group.ts";
import { SourceRun } from "./source-run.ts";

/** What sinks may tell the agent. */
export interface SinkWords {
  readonly partsKnown: (channel: string, group: string, parts: number) => void;
  readonly renewEpoch: (reason: string) => void;
}

/** Makes an agent's components from their configs: each in a context of its own, with metrics that go when it goes. */
export class Assembly {
  /** The one in force: a source that is made anew takes its surroundings from it. */
  config: AgentConfig;
  /** By source, of what its events pass through: counters go on when the chain is made anew. */
  private readonly chainMetrics = new Map<string, Metrics>();
  private readonly fileReaders: FileReaders;

  constructor(
    private readonly options: AgentOptions,
    private readonly channels: AgentChannels,
    private readonly words: SinkWords,
    private readonly taps: Taps,
  ) {
    this.config = options.config;
    this.fileReaders = new FileReaders(options.report);
  }

  /** The sinks of one channel, not started yet. */
  group(config: AgentConfig, channel: string): SinkGroup {
    const { random, report, onInvariant } = this.options;
    return new SinkGroup({
      channel: this.channels.get(channel),
      sinks: sinksOf(config, channel),
      make: (name, sink) => this.sink(channel, name, sink),
      random,
      report,
      onInvariant,
      ended: () => this.channels.committer.acknowledged(),
      taken: (batch) => this.taps.offerBatch(batch),
    });
  }

  /** A source, not started yet; `before` is the intake of the same source until now, if what it has put is still there. */
  source(name: string, config: SourceConfig, before: StreamIntake | undefined): SourceRun {
    const { random, report, onInvariant } = this.options;
    return new SourceRun({
      name,
      config,
      make: async ({ make }) => {
        const { context, release } = this.part(name);
        const surroundings = { fileReaders: this.fileReaders, ownFiles: () => this.config.ownFiles };
        return { source: await make.create({ ...context, ...surroundings }), release };
      },
      link: (current) => this.links(name, current),
      open: (current, links, last) => this.intake(name, current, links, last),
      before,
      committer: this.channels.committer,
      random,
      report,
      onInvariant,
    });
  }

  /** Interceptors and selector of a source, made anew. */
  async links(stream: string, source: SourceConfig): Promise<Links> {
    const metrics = this.chainMetrics.get(stream) ?? this.options.metrics.part();
    this.chainMetrics.set(stream, metrics);
    const interceptors = await Promise.all(
      source.interceptors.map(async ({ name, make }) => ({
        name,
        interceptor: await make.create(contextOf(this.options, `${stream}.${name}`, metrics)),
      })),
    );
    const context = { ...contextOf(this.options, stream, metrics), channels: source.channels };
    return { interceptors, selector: await source.selector.create(context) };
  }

  /** What the events of a source pass through. The lanes that exist are looked at now. */
  chain(stream: string, source: SourceConfig, links: Links): Chain {
    const { agent } = this.config;
    const { report } = this.options;
    const { store } = this.channels;
    const targets = source.channels.map((name) => {
      const channel = this.channels.get(name);
      const layout = layoutOf(this.config, name);
      const { carries = false } = source.make;
      const options = { agent, stream, channel, layout, report, carries, epoch: () => store.epoch };
      return { channel, router: new LaneRouter(options) };
    });
    return { ...links, targets };
  }

  /** The source is gone for good. */
  forget(stream: string): void {
    const metrics = this.chainMetrics.get(stream);
    if (metrics !== undefined) this.options.metrics.drop(metrics);
    this.chainMetrics.delete(stream);
  }

  private intake(stream: string, source: SourceConfig, links: Links, before: StreamIntake | undefined): StreamIntake {
    const { store, committer } = this.channels;
    const positions = new Map(store.positions(stream));
    // Put into a channel that has not told of it yet: it is still there, so it is not read again.
    for (const [key, value] of before?.positionsPut ?? []) {
      if (value === undefined) positions.delete(key);
      else positions.set(key, value);
    }
    const chain = this.chain(stream, source, links);
    const passedOn = (signal: AbortSignal) => this.channels.late.passedOn(stream, signal);
    const { clock } = this.options;
    return new StreamIntake({ stream, ...chain, committer, clock, positions, taps: this.taps, passedOn });
  }

  private async sink(channel: string, name: string, { make, members }: SinkConfig): Promise<MadeSink> {
    const { context, release } = this.part(name);
    const { partsKnown, renewEpoch } = this.words;
    const made: { readonly name: string; readonly made: MadeSink }[] = [];
    const releaseAll = () => {
      for (const each of made) each.made.release();
      release();
    };
    try {
      for (const [member, config] of members) {
        made.push({ name: member, made: await this.sink(channel, member, config) });
      }
      const sink = await make.create({
        ...context,
        partsKnown: (group, parts) => partsKnown(channel, group, parts),
        renewEpoch,
        members: made.map((each) => ({ name: each.name, sink: each.made.sink })),
      });
      return { sink, release: releaseAll };
    } catch (error) {
      releaseAll();
      throw error;
    }
  }

  private part(name: string): { readonly context: Context; readonly release: () => void } {
    const { metrics } = this.options;
    const part = metrics.part();
    return { context: contextOf(this.options, name, part), release: () => metrics.drop(part) };
  }
}

function layoutOf(config: AgentConfig, channel: string): Layout {
  const sinks = sinksOf(config, channel).map(([, sink]) => sink);
  const [first] = sinks.flatMap(({ layout }) => layout ?? []);
  if (first !== undefined) return first;
  const plain = plainLayout(channel);
  return sinks.some(({ needsIdentity }) => needsIdentity) ? { ...plain, carried: carriedSideBySide } : plain;
}
