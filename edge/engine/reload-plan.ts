/**
 * What a reload does, decided from two valid configs before anything is touched. Pure: no component is asked.
 *
 * The rule is that what did not change is not touched. A source is kept with its open files when its own config is equal; when
 * only what its events pass through changed (interceptors, selector, channels, how a channel lays events into lanes),
 * the source goes on and its chain is made anew under it. A channel in the agent's file is kept with all that it holds
 * and takes its new bounds. The sinks of one channel share out its lanes, so they are one group: kept or made anew as one.
 */
import type { AgentConfig, SinkConfig, SourceConfig } from "../config/agent-config.ts";
import { sameConfig } from "./same-config.ts";

/** The parts of a config that a reload compares. */
export type Parts = Pick<AgentConfig, "sources" | "channels" | "sinks">;

/** What becomes of something that a config names: `renew` stops it and makes it anew. */
export type ReloadStep = "keep" | "start" | "stop" | "renew";

/** What becomes of a source: `rechain` keeps it, with its open files, and makes anew what its events pass through. */
export type SourceStep = ReloadStep | "rechain";

/** What a reload does, by name. */
export interface ReloadPlan {
  readonly sources: ReadonlyMap<string, SourceStep>;
  /** `renew`: its type changed, so it is another channel of the same name. */
  readonly channels: ReadonlyMap<string, ReloadStep | "change">;
  /** By channel: the sinks that drain it. */
  readonly sinks: ReadonlyMap<string, ReloadStep>;
}

/** Compares what runs with what shall run. */
export function planReload(before: Parts, after: Parts): ReloadPlan {
  const channels = stepsOf(before.channels, after.channels, (old, next) => {
    if (old.type !== next.type) return "renew";
    if (sameConfig(old, next)) return "keep";
    // Only the agent's file can give a channel new bounds while it holds something.
    return old.keeping === "store" && next.keeping === "store" ? "change" : "renew";
  });
  const stays = (channel: string) => channels.get(channel) === "keep" || channels.get(channel) === "change";
  const names = (parts: Parts) => new Map([...parts.channels.keys()].map((name) => [name, name] as const));
  const sinks = stepsOf<string, ReloadStep>(names(before), names(after), (channel) =>
    stays(channel) && sameSinks(before, after, channel) ? "keep" : "renew",
  );
  const sources = stepsOf<SourceConfig, SourceStep>(before.sources, after.sources, (old, next) => {
    if (old.type !== next.type || !sameConfig(old.make.config, next.make.config)) return "renew";
    if (losesItsChannel(old, next, { before, after, stays })) return "renew";
    return sameChain(old, next) && next.channels.every((channel) => sameLayout(before, after, channel))
      ? "keep"
      : "rechain";
  });
  return { sources, channels, sinks };
}

/**
 * What a reload changed, for the log: the names of a plan by what becomes of them, and the agent's own settings; what is kept
 * is left out. A reload that changed nothing says so: somebody may have edited another file.
 */
export function describeReload(
  before: AgentConfig,
  after: AgentConfig,
  plan: ReloadPlan,
): Readonly<Record<string, string>> {
  const settings = Object.entries(ownSettings)
    .filter(([, of]) => !sameConfig(of(before), of(after)))
    .map(([name]) => name);
  const parts = describePlan(plan);
  if (settings.length > 0) return { ...parts, settings: settings.join(", ") };
  return Object.keys(parts).length > 0 ? parts : { changed: "nothing" };
}

/** Of the agent itself, under their names in the config. */
const ownSettings: Readonly<Record<string, (config: AgentConfig) => unknown>> = {
  linger: ({ lingerMs }) => lingerMs,
  stopTimeout: ({ stopTimeoutMs }) => stopTimeoutMs,
  admin: ({ admin, tap }) => ({ admin, tap }),
  log: ({ log }) => log,
  heartbeat: ({ heartbeat }) => heartbeat,
};

/** What a reload changes, in words for the log: the names that are added, removed or made anew, by what is done with them. */
export function describePlan({ sources, channels, sinks }: ReloadPlan): Readonly<Record<string, string>> {
  const said = new Map<string, string[]>();
  for (const [kind, steps] of Object.entries({ source: sources, channel: channels, "sinks of": sinks })) {
    for (const [name, step] of steps) {
      if (step === "keep") continue;
      const words = said.get(step) ?? [];
      words.push(`${kind} ${name}`);
      said.set(step, words);
    }
  }
  return Object.fromEntries([...said].map(([step, words]) => [step, words.join(", ")]));
}

function stepsOf<T, S>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  compare: (before: T, after: T) => S | ReloadStep,
): Map<string, S | ReloadStep> {
  const steps = new Map<string, S | ReloadStep>();
  for (const name of before.keys()) if (!after.has(name)) steps.set(name, "stop");
  for (const [name, next] of after) {
    const old = before.get(name);
    steps.set(name, old === undefined ? "start" : compare(old, next));
  }
  return steps;
}

interface BothSides {
  readonly before: Parts;
  readonly after: Parts;
  readonly stays: (channel: string) => boolean;
}

/**
 * A channel that keeps its batches itself goes with what it has not told of yet, and the stored positions say so: the
 * source begins at them again. The same when it moves between such channels and those in the agent's file: the two kinds
 * move positions at different times.
 */
function losesItsChannel(old: SourceConfig, next: SourceConfig, { before, after, stays }: BothSides): boolean {
  const selfKept = (parts: Parts, channel: string) => parts.channels.get(channel)?.keeping !== "store";
  const was = old.channels.some((channel) => selfKept(before, channel));
  const is = next.channels.some((channel) => selfKept(after, channel));
  return was !== is || old.channels.some((channel) => selfKept(before, channel) && !stays(channel));
}

function sameChain(old: SourceConfig, next: SourceConfig): boolean {
  const chain = ({ interceptors, selectorType, selector, channels }: SourceConfig) => ({
    interceptors: interceptors.map(({ type, name, make }) => ({ type, name, config: make.config })),
    selector: { type: selectorType, config: selector.config },
    channels,
  });
  return sameConfig(chain(old), chain(next));
}

/** Whether events are built into batches and laid into lanes of this channel as before. */
function sameLayout(before: Parts, after: Parts, channel: string): boolean {
  const settings = (parts: Parts) => parts.channels.get(channel)?.settings;
  if (!sameConfig(settings(before), settings(after))) return false;
  const [old, next] = [layingSink(before, channel), layingSink(after, channel)];
  if (!sameConfig(old?.layout, next?.layout)) return false;
  // A group that depends on the event is a function: only equal configs say that two of them are the same.
  return old?.layout === undefined || old.layout.groupFixed !== undefined || sameSink(old, next);
}

function sameSink(old: SinkConfig, next: SinkConfig | undefined): boolean {
  return next !== undefined && sameConfig(describeSink(["", old]), describeSink(["", next]));
}

function layingSink(parts: Parts, channel: string): SinkConfig | undefined {
  return sinksOf(parts, channel).find(([, { layout }]) => layout !== undefined)?.[1];
}

function sameSinks(before: Parts, after: Parts, channel: string): boolean {
  const group = (parts: Parts) => sinksOf(parts, channel).map(describeSink);
  return sameConfig(group(before), group(after));
}

/** A sink with all that it is made of, as values that can be compared. */
function describeSink([name, { type, make, members }]: readonly [string, SinkConfig]): Readonly<
  Record<string, unknown>
> {
  return { name, type, config: make.config, members: [...members].map(describeSink) };
}

/** The sinks that drain a channel, in the order of the config: lanes are shared out by it. */
export function sinksOf(parts: Pick<Parts, "sinks">, channel: string) {
  return [...parts.sinks].filter(([, sink]) => sink.channel === channel);
}
