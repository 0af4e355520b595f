import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import type { Bench } from "../bench.ts";
import { MemoryMeter } from "../meters/process.ts";
import { quantile } from "../meters/statistics.ts";
import { wireBetween } from "../meters/wire.ts";
import type { Metrics } from "../report/columns.ts";
import { LINE_BYTES, warmLine } from "../workload/lines.ts";
import { writePaced } from "../workload/paced-writer.ts";
import { readTopic } from "../workload/read-topic.ts";
import { type Launch, RunningAgent, type RunOptions } from "./running-agent.ts";
import { verdictMetrics } from "./verdict-metrics.ts";

const megabyte = 1_000_000;
/** From the first lines to the measurement: longer than any linger and than the JVM's first compilation. */
const calmMs = 5_000;

/** Lines at a steady rate. */
export interface PaceRun extends Pick<RunOptions, "agent" | "flow"> {
  readonly linesPerSecond: number;
  readonly seconds: number;
  /** Lines at the same rate before the measurement: programs that compile while they run are measured when they have. */
  readonly warmSeconds?: number;
  readonly launch?: Launch;
}

/**
 * Numbered lines written one by one at a steady rate, each with its moment in it. Latency is from there to the broker's
 * time of the append, on one clock; the wire is counted between agent and broker.
 */
export async function measurePace(bench: Bench, run: PaceRun): Promise<Metrics> {
  const lines = run.linesPerSecond * run.seconds;
  const topic = await bench.topics.create(1);
  await using agent = await RunningAgent.start(bench, { ...run, topic, metered: true });
  const { linesPerSecond, warmSeconds = 0 } = run;
  const pace = { linesPerSecond, signal: new AbortController().signal, clock: systemClock };
  let warm = await agent.warmUp();
  if (warmSeconds > 0) {
    const warmLines = linesPerSecond * warmSeconds;
    await writePaced({ ...pace, path: join(agent.task.logs, "before.log"), lines: warmLines, line: warmLine });
    warm += warmLines;
    await bench.topics.fill(topic, warm, 15_000);
  }
  await Bun.sleep(calmMs);
  const path = join(agent.task.logs, "drive.log");
  const diskBefore = await bench.disk?.writtenBytes();
  const wireBefore = bench.wire.usage();
  const before = agent.usage();
  const memory = new MemoryMeter(agent.pid, 500);
  const started = performance.now();
  await writePaced({ ...pace, path, lines });
  await bench.topics.fill(topic, warm + lines, 15_000);
  const seconds = (performance.now() - started) / 1000;
  const after = agent.usage();
  const wire = wireBetween(wireBefore, bench.wire.usage());
  const anonymousBytes = memory.stop();
  const lagP99Ms = await agent.lagP99Ms();
  const diskAfter = await bench.disk?.writtenBytes();
  const verdict = await readTopic(bench.broker.internalAddress, topic, path, run.agent.records);
  await bench.topics.delete(topic);
  return {
    cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100,
    ...latencies(verdict.latenciesMs),
    rssMb: after.rssBytes / megabyte,
    anonymousMb: anonymousBytes / megabyte,
    wirePerLine: wire.sentBytes / lines,
    wireBackPerLine: wire.receivedBytes / lines,
    requestsPerSecond: wire.produceRequests / seconds,
    ...(diskBefore === undefined || diskAfter === undefined
      ? {}
      : {
          diskPerLineByte: (diskAfter - diskBefore) / (lines * LINE_BYTES),
          diskKbPerSecond: (diskAfter - diskBefore) / 1000 / seconds,
        }),
    ...(lagP99Ms === undefined ? {} : { lagP99Ms }),
    ...verdictMetrics(verdict),
  };
}

function latencies(sorted: Float64Array): Metrics {
  if (sorted.length === 0) return {};
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), maxMs: quantile(sorted, 1) };
}
