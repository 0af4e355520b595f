import { withDeadline } from "../../shared/async/deadline.ts";
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { systemRandom } from "../../shared/random/random.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import type { AgentConfig, SinkConfig } from "../config/agent-config.ts";
import type { Member, SinkContext } from "../core/context.ts";
import type { Finding, Sink } from "../core/sink.ts";
import type { CommandContext } from "./command.ts";

/** How patient to be, in milliseconds. */
interface Patience {
  /** Until a probe is told to come to its end. */
  readonly withinMs: number;
  /** From then on, until it is waited for no longer. */
  readonly graceMs: number;
}

/**
 * Has every sink try its destination, and every channel that is elsewhere its place, all at once, and says in a line each what was
 * found. True when nothing was wrong. Sends no event and changes nothing; ends in time, whatever the destinations do.
 */
export async function tryDestinations(
  config: AgentConfig,
  world: Pick<CommandContext, "out">,
  patience: Patience = { withinMs: 15_000, graceMs: 2_000 },
): Promise<boolean> {
  const { agent, dataDir } = config;
  const channels = [...config.channels].flatMap(([name, { probe }]) => {
    if (probe === undefined) return [];
    const context = contextOf(name, agent, dataDir);
    const run = (signal: AbortSignal) => probe(context, signal);
    return [(async () => ({ who: `channel ${name}`, findings: await within(run, patience) }))()];
  });
  const sinks = [...config.sinks].map(async ([name, sink]) => ({
    who: `sink ${name}`,
    findings: await probeSink(name, sink, config, patience),
  }));
  let well = true;
  for (const { who, findings } of await Promise.all([...channels, ...sinks])) {
    if (findings === undefined) world.out(`${who}: nothing to try\n`);
    for (const finding of findings ?? []) {
      if ("error" in finding) well = false;
      world.out(`${who}: ${finding.what}: ${wordsOf(finding)}\n`);
    }
  }
  return well;
}

/** What a probe finds, or why it found nothing: it is ended in time, and one that rejects is a bug that hides no other. */
async function within(
  probe: (signal: AbortSignal) => Promise<readonly Finding[]>,
  { withinMs, graceMs }: Patience,
): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(withinMs);
  try {
    const silence = () => new Error(`no answer within ${(withinMs + graceMs) / 1000} s`);
    return await withDeadline(probe(signal), withinMs + graceMs, silence);
  } catch (cause) {
    const error = cause instanceof AppError ? cause : new AppError("EDGE_SINK_UNEXPECTED", "try it", { cause });
    return [{ what: "destination", error }];
  }
}

/** Undefined: the sink has no destination that could be tried. */
async function probeSink(
  name: string,
  config: SinkConfig,
  { agent, dataDir }: AgentConfig,
  patience: Patience,
): Promise<readonly Finding[] | undefined> {
  const sink = await made(name, config, { agent, dataDir });
  try {
    const { probe } = sink;
    return probe === undefined ? undefined : await within(probe.bind(sink), patience);
  } finally {
    await sink.stop();
  }
}

/** A group is made of its members, as the agent makes it. */
async function made(
  name: string,
  { make, members }: SinkConfig,
  agent: Pick<AgentConfig, "agent" | "dataDir">,
): Promise<Sink> {
  const sinks: Member[] = [];
  for (const [member, config] of members) sinks.push({ name: member, sink: await made(member, config, agent) });
  return make.create({ ...contextOf(name, agent.agent, agent.dataDir), members: sinks });
}

/** Real clocks and nothing else: what a sink reports or counts here is nobody's. */
function contextOf(name: string, agent: string, dataDir: string): SinkContext {
  return {
    name,
    agent,
    dataDir,
    clock: systemClock,
    random: systemRandom,
    report: silent,
    metrics: new Metrics(),
    partsKnown: () => {},
    renewEpoch: () => {},
    members: [],
  };
}

function wordsOf(finding: Finding): string {
  if ("says" in finding) return finding.says;
  const { error } = finding;
  return `${error.code}: ${messageOf(error)}. ${error.hint}`;
}
