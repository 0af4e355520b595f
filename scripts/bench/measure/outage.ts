import { linkSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { MemoryMeter } from "../meters/process.ts";
import type { Metrics } from "../report/columns.ts";
import { readTopic } from "../workload/read-topic.ts";
import { RunningAgent, type RunOptions } from "./running-agent.ts";
import { drainMetrics, verdictMetrics } from "./verdict-metrics.ts";

const megabyte = 1_000_000;
const settleMs = 1_500;

/** What is away: the broker, which comes back as a JVM that has just started; or the link to a broker that goes on. */
export type Absentee = "broker" | "link";

/** What is carried, and what happens meanwhile. */
export interface OutageRun extends Pick<RunOptions, "agent" | "flow"> {
  readonly lines: number;
  readonly away: Absentee;
}

/**
 * The broker is stopped under a warm agent, or the link to it cut; a file of lines appears, and the agent does with it what
 * it can; when it has become quiet the broker or the link comes back, and the backlog drains. Recording is from the file's
 * appearance to quiet, draining from the broker's first append to its last (CPU: from the return until the agent has settled).
 */
export async function measureOutage(bench: Bench, run: OutageRun): Promise<Metrics> {
  const lines = Math.round(run.lines * run.agent.share);
  const millions = lines / 1e6;
  const input = await bench.inputs.file(lines);
  const topic = await bench.topics.create(1);
  await using agent = await RunningAgent.start(bench, { ...run, topic, metered: run.away === "link" });
  const warm = await agent.warmUp();
  if (run.away === "link") bench.wire.cut();
  else await bench.broker.stop();
  await Bun.sleep(settleMs);

  const diskBefore = await bench.disk?.writtenBytes();
  const before = agent.usage();
  const memory = new MemoryMeter(agent.pid);
  linkSync(input, join(agent.task.logs, "drive.log"));
  await agent.quiet();
  const recorded = agent.usage();
  const diskRecorded = await bench.disk?.writtenBytes();

  const storedBefore = bench.topics.storedBytes(topic);
  if (run.away === "link") bench.wire.restore();
  else await bench.broker.start();
  await bench.topics.fill(topic, warm + lines, 60_000);
  await Bun.sleep(settleMs);
  const drained = agent.usage();
  const anonymousBytes = memory.stop();
  const diskDrained = await bench.disk?.writtenBytes();
  const storedBytes = bench.topics.storedBytes(topic) - storedBefore;
  await agent.kill();

  const verdict = await readTopic(bench.broker.internalAddress, topic, input, run.agent.records);
  await bench.topics.delete(topic);
  return {
    recordCpuPerMillion: (recorded.cpuSeconds - before.cpuSeconds) / millions,
    drainCpuPerMillion: (drained.cpuSeconds - recorded.cpuSeconds) / millions,
    ...drainMetrics(verdict, storedBytes),
    rssPeakMb: drained.rssPeakBytes / megabyte,
    anonymousMb: anonymousBytes / megabyte,
    ...(diskBefore === undefined || diskRecorded === undefined || diskDrained === undefined
      ? {}
      : {
          recordDiskPerStored: (diskRecorded - diskBefore) / Math.max(1, storedBytes),
          drainDiskPerStored: (diskDrained - diskRecorded) / Math.max(1, storedBytes),
        }),
    ...verdictMetrics(verdict),
  };
}
