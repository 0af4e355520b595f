import { availableParallelism } from "node:os";
import { measureFlow } from "../measure/flow.ts";
import type { Launch } from "../measure/running-agent.ts";
import { type BenchCase, defaultFlow } from "./case.ts";
import { pacedLingers } from "./low-rate.ts";

/** A gateway's small CPU with more important work on it: one core, the lowest priority. */
export const oneCore: BenchCase = {
  name: "one-core",
  title: "One core at the lowest priority",
  about: "throughput and 100 lines/s under taskset and nice 19",
  method: "The agent may use one core (the last one) and runs at nice 19; the broker and all else may use every core.",
  page: "edge",
  size: "ordinary",
  peers: true,
  rows: "median",
  columns: [
    "cpuPerMillion",
    "linesPerSecond",
    "rssPeakMb",
    "cpuPercent",
    "p50Ms",
    "p99Ms",
    "lagP99Ms",
    "lost",
    "repeated",
  ],
  targets: [],
  async *run(bench) {
    const launch: Launch = { prefix: ["taskset", "-c", String(availableParallelism() - 1), "nice", "-n", "19"] };
    const { lines, runs } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const agent of bench.agents) {
        const metrics = await measureFlow(bench, { agent, flow: defaultFlow, lines, partitions: 1, launch });
        yield { subject: agent.name, variant: "a file of lines at once", metrics };
      }
      yield* pacedLingers(bench, [{ variant: "100 lines/s, linger 50 ms", lingerMs: 50 }], launch);
    }
  },
};
