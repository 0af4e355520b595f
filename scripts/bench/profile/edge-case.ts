import { linkSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import { until } from "../../../shared/testing/until.ts";
import type { Agent, Flow } from "../agents/agent.ts";
import type { Bench } from "../bench.ts";
import { defaultFlow } from "../cases/case.ts";
import { linesPerSecond } from "../cases/low-rate.ts";
import { RunningAgent } from "../measure/running-agent.ts";
import { writePaced } from "../workload/paced-writer.ts";
import { type SelfTime, selfTimes } from "./cpu-profile.ts";
import type { Watch } from "./perf.ts";
import type { ProfileCase, Run } from "./profile-case.ts";
import { profilePath, sourceAgent } from "./source-agent.ts";

const settleMs = 1_500;
/** The profiler itself takes more than what counts as quiet, so this is waited for in full. */
const quietMs = 5_000;

/** An agent at work, and what it works on. */
interface Stage {
  readonly bench: Bench;
  readonly agent: RunningAgent;
  readonly topic: string;
  /** Lines in the topic before. */
  readonly warm: number;
}

/** What makes one case of the edge differ from another. */
interface EdgeCase {
  readonly name: string;
  readonly title: string;
  readonly method: string;
  readonly flow: Flow;
  /** Not profiled: what must have happened before. */
  readonly before?: (stage: Stage) => Promise<void>;
  /** What is profiled; resolves with how many lines were carried. */
  readonly work: (stage: Stage) => Promise<number>;
}

async function carryFile(stage: Stage): Promise<number> {
  await linkInput(stage);
  return arrived(stage, stage.bench.options.lines);
}

async function linkInput({ bench, agent }: Stage): Promise<void> {
  linkSync(await bench.inputs.file(bench.options.lines), join(agent.task.logs, "drive.log"));
}

async function arrived({ bench, topic, warm }: Stage, lines: number): Promise<number> {
  await bench.topics.fill(topic, warm + lines, 60_000);
  await Bun.sleep(settleMs);
  return lines;
}

async function writeAtPace(stage: Stage): Promise<number> {
  const { bench, agent } = stage;
  const path = join(agent.task.logs, "drive.log");
  const lines = linesPerSecond * bench.options.seconds;
  await writePaced({ path, lines, linesPerSecond, signal: new AbortController().signal, clock: systemClock });
  return arrived(stage, lines);
}

const edgeCases: readonly EdgeCase[] = [
  {
    name: "throughput",
    title: "A file at once, no interceptors",
    method: "A file of lines appears at once; zstd, identity header.",
    flow: defaultFlow,
    work: carryFile,
  },
  {
    name: "interceptors",
    title: "A file at once, with filter, key and identity",
    method: "The same with a regex filter that lets every line through and a key by regex.",
    flow: { ...defaultFlow, interceptors: true },
    work: carryFile,
  },
  {
    name: "drain",
    title: "The drain after an outage",
    method: "The file was recorded while the broker was away; profiled from the broker's return on.",
    flow: defaultFlow,
    before: async (stage) => {
      await stage.bench.broker.stop();
      await linkInput(stage);
      const recorded = () => stage.agent.metric("tailgate_channel_events");
      await until("all lines to be recorded", recorded, (held) => held >= stage.bench.options.lines, {
        withinMs: 60_000,
      });
    },
    work: async (stage) => {
      await stage.bench.broker.start();
      return arrived(stage, stage.bench.options.lines);
    },
  },
  {
    name: "low-rate",
    title: "100 lines a second, linger 50 ms",
    method: "One line of 200 B every 10 ms, written one by one.",
    flow: { ...defaultFlow, lingerMs: 50 },
    work: writeAtPace,
  },
];

/** The cases of `edge/PROFILES.md`. */
export const edgeProfileCases: readonly ProfileCase[] = edgeCases.map((edgeCase) => ({
  ...edgeCase,
  page: "edge",
  runFromSource: async (bench) => {
    const { times, ...run } = await runCase(bench, edgeCase, sourceAgent, async () => async () => undefined);
    return { ...run, times };
  },
  runAsShipped: (bench, watch) => runCase(bench, edgeCase, bench.requireOurs(), watch),
}));

async function runCase<Found>(
  bench: Bench,
  { flow, before, work }: EdgeCase,
  agent: Agent,
  watch: Watch<Found>,
): Promise<Run & { readonly found: Found; readonly times: readonly SelfTime[] }> {
  const topic = await bench.topics.create(1);
  await using running = await RunningAgent.start(bench, { agent, flow, topic, metered: false });
  const warm = await running.warmUp();
  await running.quiet(quietMs);
  const stage = { bench, agent: running, topic, warm };
  await before?.(stage);
  const ended = await watch(running.pid);
  const commitsBefore = await running.metric("tailgate_commits_total");
  const usedBefore = running.usage().cpuSeconds;
  const fromMs = systemClock.now();
  const lines = await work(stage);
  const toMs = systemClock.now();
  const cpuSeconds = running.usage().cpuSeconds - usedBefore;
  const commits = (await running.metric("tailgate_commits_total")) - commitsBefore;
  const found = await ended();
  await running.stop();
  await bench.topics.delete(topic);
  const times =
    agent === sourceAgent ? selfTimes(readFileSync(profilePath(running.task.home), "utf8"), { fromMs, toMs }) : [];
  return { lines, seconds: (toMs - fromMs) / 1000, cpuSeconds, commits, found, times };
}
