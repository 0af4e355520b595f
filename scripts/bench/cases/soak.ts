import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import type { Agent } from "../agents/agent.ts";
import type { Bench } from "../bench.ts";
import { RunningAgent } from "../measure/running-agent.ts";
import { verdictMetrics } from "../measure/verdict-metrics.ts";
import type { Sample } from "../report/results.ts";
import { writePaced } from "../workload/paced-writer.ts";
import { readTopic } from "../workload/read-topic.ts";
import { type BenchCase, defaultFlow } from "./case.ts";

const megabyte = 1_000_000;
/** 100 drivers once a second, at a hundred times the speed, for a hundredth of a day. */
const linesPerSecond = 10_000;
const daySeconds = 864;
const samplesWanted = 24;

/** A day of the pilot's real-time traffic at a hundred times its speed: does anything grow? */
export const soak: BenchCase = {
  name: "soak",
  title: "A day of pilot traffic at 100 times its speed",
  about:
    "10,000 lines/s for 864 s: memory sampled 24 times, nothing lost or repeated (--seconds shortens it with --quick)",
  method:
    "The lines of 100 drivers, one a second each, come at a hundred times that speed: 10,000 lines/s for 864 s, with " +
    "the default linger. A row of the table is an hour of that day; the last row holds what the independent reader " +
    "found. Written bytes are those given to write(2), with SQLite's log and its checkpoints, for each compressed " +
    "byte that the topic got.",
  page: "edge",
  size: "soak",
  peers: false,
  rows: "series",
  columns: [
    "atSecond",
    "millions",
    "rssMb",
    "anonymousMb",
    "rssPeakMb",
    "cpuPercent",
    "writtenPerStored",
    "lost",
    "repeated",
  ],
  targets: [
    { variant: "end", column: "rssPeakMb", atMost: 120 },
    { variant: "end", column: "writtenPerStored", atMost: 1.4 },
    { variant: "end", column: "lost", atMost: 0 },
    { variant: "end", column: "repeated", atMost: 0 },
  ],
  async *run(bench) {
    const seconds = bench.options.quick ? bench.options.seconds : daySeconds;
    for (const agent of bench.oursOnly) yield* soakAgent(bench, agent, seconds);
  },
};

async function* soakAgent(bench: Bench, agent: Agent, seconds: number): AsyncIterable<Sample> {
  const lines = linesPerSecond * seconds;
  const topic = await bench.topics.create(1);
  await using running = await RunningAgent.start(bench, { agent, flow: defaultFlow, topic, metered: false });
  const warm = await running.warmUp();
  const path = join(running.task.logs, "drive.log");
  const stop = new AbortController();
  const writing = writePaced({ path, lines, linesPerSecond, signal: stop.signal, clock: systemClock });
  const everySeconds = seconds / samplesWanted;
  const before = running.usage();
  const storedBefore = bench.topics.storedBytes(topic);
  let { cpuSeconds } = before;
  try {
    for (let nth = 1; nth <= samplesWanted; nth++) {
      await Bun.sleep(everySeconds * 1000);
      const usage = running.usage();
      yield {
        subject: agent.name,
        variant: `hour ${nth}`,
        metrics: {
          atSecond: nth * everySeconds,
          millions: (await bench.topics.records(topic)) / 1e6,
          rssMb: usage.rssBytes / megabyte,
          anonymousMb: usage.anonymousBytes / megabyte,
          cpuPercent: ((usage.cpuSeconds - cpuSeconds) / everySeconds) * 100,
        },
      };
      cpuSeconds = usage.cpuSeconds;
    }
    await writing;
  } finally {
    stop.abort();
  }
  await bench.topics.fill(topic, warm + lines, 30_000);
  const { rssPeakBytes, writtenBytes } = running.usage();
  const storedBytes = bench.topics.storedBytes(topic) - storedBefore;
  const verdict = await readTopic(bench.broker.internalAddress, topic, path);
  await bench.topics.delete(topic);
  const millions = verdict.delivered / 1e6;
  const metrics = {
    millions,
    rssPeakMb: rssPeakBytes / megabyte,
    writtenPerStored: (writtenBytes - before.writtenBytes) / Math.max(1, storedBytes),
    ...verdictMetrics(verdict),
  };
  yield { subject: agent.name, variant: "end", metrics };
}
