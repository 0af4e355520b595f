import { linkSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { MemoryMeter, type Usage } from "../meters/process.ts";
import type { Metrics } from "../report/columns.ts";
import { readTopic } from "../workload/read-topic.ts";
import { inputName, type Launch, RunningAgent, type RunOptions } from "./running-agent.ts";
import { rateMetrics, verdictMetrics } from "./verdict-metrics.ts";

const megabyte = 1_000_000;

/** After the last record came, an agent still tidies up (marks, deletes, checkpoints): that is part of the price. */
const settleMs = 1_500;

/** A JVM compiles for a while after its first lines; this is as long as anybody is waited for. */
const quietMs = 20_000;

/** How a file full of lines is carried. */
export interface FlowRun extends Pick<RunOptions, "agent" | "flow"> {
  readonly lines: number;
  readonly partitions: number;
  readonly launch?: Launch;
  /** Start the agent when the file is there already, and count from its start. */
  readonly cold?: boolean;
}

const nothingUsed: Pick<Usage, "cpuSeconds" | "writtenBytes"> = { cpuSeconds: 0, writtenBytes: 0 };

/**
 * A whole file of lines appears at once in the directory of a warm agent that has become quiet; measured until the last
 * record is in the topic and the agent has settled. The rate is from the file's appearance to the broker's time of the last
 * append. Cold: the file is there, the agent is started, and everything counts from there.
 */
export async function measureFlow(bench: Bench, run: FlowRun): Promise<Metrics> {
  const lines = Math.round(run.lines * run.agent.share);
  const input = await bench.inputs.file(lines);
  const topic = await bench.topics.create(run.partitions);
  const cold = run.cold === true;
  let diskBefore = await bench.disk?.writtenBytes();
  let appearedMs = performance.timeOrigin + performance.now();
  await using agent = await RunningAgent.start(bench, {
    ...run,
    topic,
    metered: false,
    ...(cold ? { present: input } : {}),
  });
  const warm = cold ? 0 : await agent.warmUp();
  if (!cold) await agent.quiet(quietMs);
  if (!cold) diskBefore = await bench.disk?.writtenBytes();
  const storedBefore = cold ? 0 : bench.topics.storedBytes(topic);
  const before = cold ? nothingUsed : agent.usage();
  const memory = new MemoryMeter(agent.pid, 20);
  if (!cold) {
    appearedMs = performance.timeOrigin + performance.now();
    linkSync(input, join(agent.task.logs, inputName));
  }
  await bench.topics.fill(topic, warm + lines, 60_000);
  await Bun.sleep(settleMs);
  const after = agent.usage();
  const anonymousBytes = memory.stop();
  const lagP99Ms = await agent.lagP99Ms();
  const diskAfter = await bench.disk?.writtenBytes();
  const storedBytes = bench.topics.storedBytes(topic) - storedBefore;
  await agent.kill();
  const verdict = await readTopic(bench.broker.internalAddress, topic, input, run.agent.records);
  await bench.topics.delete(topic);
  const millions = lines / 1e6;
  return {
    cpuPerMillion: (after.cpuSeconds - before.cpuSeconds) / millions,
    ...rateMetrics(verdict, appearedMs),
    rssPeakMb: after.rssPeakBytes / megabyte,
    anonymousMb: anonymousBytes / megabyte,
    writtenPerMillionMb: (after.writtenBytes - before.writtenBytes) / megabyte / millions,
    storedPerLine: storedBytes / lines,
    ...(diskBefore === undefined || diskAfter === undefined
      ? {}
      : {
          diskPerMillionMb: (diskAfter - diskBefore) / megabyte / millions,
          diskPerStored: (diskAfter - diskBefore) / Math.max(1, storedBytes),
        }),
    ...(lagP99Ms === undefined ? {} : { lagP99Ms }),
    ...verdictMetrics(verdict),
  };
}
