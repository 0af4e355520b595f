import type { Bench } from "../bench.ts";
import { MemoryMeter } from "../meters/process.ts";
import { wireBetween } from "../meters/wire.ts";
import type { Metrics } from "../report/columns.ts";
import { RunningAgent, type RunOptions } from "./running-agent.ts";

const megabyte = 1_000_000;
const calmMs = 8_000;

/** What an agent costs that has nothing to do: files watched, Kafka connected, not a line written. */
export async function measureIdle(
  bench: Bench,
  run: Pick<RunOptions, "agent" | "flow"> & { readonly files: number; readonly seconds: number },
): Promise<Metrics> {
  const topic = await bench.topics.create(1);
  await using agent = await RunningAgent.start(bench, { ...run, topic, metered: true });
  await agent.warmUp(run.files);
  await Bun.sleep(calmMs);
  const diskBefore = await bench.disk?.writtenBytes();
  const wireBefore = bench.wire.usage();
  const before = agent.usage();
  const memory = new MemoryMeter(agent.pid, 1_000);
  await Bun.sleep(run.seconds * 1000);
  const after = agent.usage();
  const wire = wireBetween(wireBefore, bench.wire.usage());
  const diskAfter = await bench.disk?.writtenBytes();
  const anonymousBytes = memory.stop();
  await bench.topics.delete(topic);
  return {
    cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / run.seconds) * 100,
    rssMb: after.rssBytes / megabyte,
    anonymousMb: anonymousBytes / megabyte,
    wirePerSecond: wire.sentBytes / run.seconds,
    ...(diskBefore === undefined || diskAfter === undefined
      ? {}
      : { diskKbPerSecond: (diskAfter - diskBefore) / 1000 / run.seconds }),
  };
}
