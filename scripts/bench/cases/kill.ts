import { linkSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../../shared/random/random.ts";
import type { Agent } from "../agents/agent.ts";
import type { Bench } from "../bench.ts";
import { RunningAgent } from "../measure/running-agent.ts";
import { verdictMetrics } from "../measure/verdict-metrics.ts";
import type { Metrics } from "../report/columns.ts";
import { readTopic } from "../workload/read-topic.ts";
import { type BenchCase, defaultFlow } from "./case.ts";

const killsWanted = 3;

/** kill -9 in the middle of the flow, three times, the agent started again at once. */
export const kill: BenchCase = {
  name: "kill",
  title: "kill -9 in the middle of the flow",
  about: `--lines lines, the agent killed with -9 ${killsWanted} times and started again: lost and repeated`,
  method:
    `A file of lines is carried. Meanwhile the agent is killed with -9 up to ${killsWanted} times and started again ` +
    "at once on the same data. The share of the lines that has arrived before each kill comes from a seed. Then kcat " +
    "counts every line in the topic.",
  page: "edge",
  size: "ordinary",
  peers: true,
  rows: "median",
  columns: ["kills", "lost", "repeated", "altered", "disordered"],
  targets: [
    { variant: "zstd, identity", column: "lost", atMost: 0 },
    { variant: "zstd, identity", column: "repeated", atMost: 0 },
  ],
  async *run(bench) {
    for (let run = 0; run < bench.options.runs; run++) {
      for (const agent of bench.agents) {
        const metrics = await measureKill(bench, agent, run);
        yield { subject: agent.name, variant: agent === bench.ours ? "zstd, identity" : agent.setup, metrics };
      }
    }
  },
};

async function measureKill(bench: Bench, agent: Agent, seed: number): Promise<Metrics> {
  const lines = Math.round(bench.options.lines * agent.share);
  const input = await bench.inputs.file(lines);
  const topic = await bench.topics.create(1);
  await using running = await RunningAgent.start(bench, { agent, flow: defaultFlow, topic, metered: false });
  const warm = await running.warmUp();
  const random = seededRandom(seed + 1);
  let kills = 0;
  linkSync(input, join(running.task.logs, "drive.log"));
  for (let nth = 1; nth <= killsWanted; nth++) {
    const share = (nth - 1 + random.next()) / (killsWanted + 1);
    await bench.topics.fill(topic, warm + Math.max(1, lines * share), 60_000);
    if ((await bench.topics.records(topic)) >= warm + lines) break;
    await running.kill();
    kills++;
    running.start();
  }
  await bench.topics.fill(topic, warm + lines, 20_000);
  // An agent that repeats lines goes on after the count is reached: wait until it has nothing more to say.
  await running.quiet(60_000);
  await running.kill();
  const verdict = await readTopic(bench.broker.internalAddress, topic, input, agent.records);
  await bench.topics.delete(topic);
  return { kills, ...verdictMetrics(verdict) };
}
