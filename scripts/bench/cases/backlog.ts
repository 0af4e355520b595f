import { execFileSync } from "node:child_process";
import { linkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { until } from "../../../shared/testing/until.ts";
import type { Agent } from "../agents/agent.ts";
import type { Bench } from "../bench.ts";
import { RunningAgent } from "../measure/running-agent.ts";
import { drainMetrics, verdictMetrics } from "../measure/verdict-metrics.ts";
import { MemoryMeter } from "../meters/process.ts";
import type { Metrics } from "../report/columns.ts";
import { readTopic } from "../workload/read-topic.ts";
import { type BenchCase, defaultFlow } from "./case.ts";

const megabyte = 1_000_000;
/** 200 B a line and no compression: 5 GB in the channel. */
const bigLines = 25_000_000;

/** A start with 5 GB in the channel after kill -9, the page cache cold. */
export const backlog: BenchCase = {
  name: "backlog",
  title: "A start with 5 GB stored",
  about: "25 M lines uncompressed in the channel, kill -9, cold page cache: first batch sent, memory, drain (15 GB)",
  method:
    "The broker is stopped and 25 M lines are recorded without compression (5 GB). The agent is killed with -9, and " +
    "the page cache is dropped (this needs root; a note below says when it could not be done). Then the broker is " +
    "started, and after it the agent. The time is from the agent's start to the first Produce request on the wire.",
  page: "edge",
  size: "big",
  peers: false,
  rows: "median",
  columns: [
    "firstBatchMs",
    "rssAtStartMb",
    "rssPeakMb",
    "anonymousMb",
    "drainMbPerSecond",
    "drainCpuPerMillion",
    "lost",
    "repeated",
  ],
  targets: [
    { variant: "5 GB, cold page cache", column: "firstBatchMs", atMost: 300 },
    { variant: "5 GB, cold page cache", column: "rssPeakMb", atMost: 110 },
    { variant: "5 GB, cold page cache", column: "drainMbPerSecond", atLeast: 60 },
  ],
  async *run(bench) {
    const lines = bench.options.quick ? bench.options.lines : bigLines;
    for (const agent of bench.oursOnly) {
      const { cold, metrics } = await measureBacklog(bench, agent, lines);
      const gigabytes = (lines * 200) / 1e9;
      yield { subject: agent.name, variant: `${gigabytes} GB, ${cold ? "cold" : "warm"} page cache`, metrics };
    }
  },
};

async function measureBacklog(bench: Bench, agent: Agent, lines: number): Promise<{ cold: boolean; metrics: Metrics }> {
  const input = await bench.inputs.file(lines);
  const topic = await bench.topics.create(1);
  const flow = { ...defaultFlow, compression: "none" } as const;
  await using running = await RunningAgent.start(bench, { agent, flow, topic, metered: true });
  const warm = await running.warmUp();
  await bench.broker.stop();
  linkSync(input, join(running.task.logs, "drive.log"));
  bench.progress("recording the backlog");
  await running.quiet();
  await running.kill();
  const cold = dropPageCache(bench);
  await bench.broker.start();
  const storedBefore = bench.topics.storedBytes(topic);

  bench.wire.reset();
  const startedMs = systemClock.now();
  running.start();
  const memory = new MemoryMeter(running.pid);
  const firstProduceMs = await until(
    "the first Produce request",
    () => bench.wire.firstProduceMs,
    (value) => value !== undefined,
    { withinMs: 120_000, everyMs: 5 },
  );
  const atStart = running.usage();
  await bench.topics.fill(topic, warm + lines, 60_000);
  const after = running.usage();
  const anonymousBytes = memory.stop();
  const storedBytes = bench.topics.storedBytes(topic) - storedBefore;
  await running.kill();
  const verdict = await readTopic(bench.broker.internalAddress, topic, input);
  await bench.topics.delete(topic);
  return {
    cold,
    metrics: {
      firstBatchMs: (firstProduceMs ?? 0) - startedMs,
      rssAtStartMb: atStart.rssBytes / megabyte,
      rssPeakMb: after.rssPeakBytes / megabyte,
      anonymousMb: anonymousBytes / megabyte,
      ...drainMetrics(verdict, storedBytes),
      drainCpuPerMillion: after.cpuSeconds / (lines / 1e6),
      ...verdictMetrics(verdict),
    },
  };
}

function dropPageCache(bench: Bench): boolean {
  try {
    execFileSync("sync");
    writeFileSync("/proc/sys/vm/drop_caches", "1");
    return true;
  } catch (thrown) {
    bench.progress(`the page cache stays warm: ${messageOf(thrown)}`);
    return false;
  }
}
