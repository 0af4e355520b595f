import { measureHop } from "../measure/hop.ts";
import type { BenchCase } from "./case.ts";

const variants = {
  batches: "an aggregator that takes batches as they came",
  events: "an aggregator that opens them (`take: events`)",
} as const;

/** What an agent costs that stands between others and Kafka. */
export const hop: BenchCase = {
  name: "hop",
  title: "A hop from agent to agent",
  about: "--lines lines from an edge by relay to an aggregator and on to Kafka: CPU of the aggregator",
  method:
    "A file of lines appears at once before an edge, which sends it by relay to a warm aggregator, and that to Kafka. CPU and memory of " +
    "the aggregator alone from /proc, until the topic has all lines and it has settled for 1.5 s.",
  page: "edge",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: ["cpuPerMillion", "linesPerSecond", "rssPeakMb", "lost", "repeated"],
  targets: [
    { variant: variants.batches, column: "cpuPerMillion", atMost: 0.5 },
    { variant: variants.batches, column: "lost", atMost: 0 },
    { variant: variants.batches, column: "repeated", atMost: 0 },
  ],
  async *run(bench) {
    const { lines, runs } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const take of ["batches", "events"] as const) {
        const metrics = await measureHop(bench, take, lines);
        yield { subject: "Tailgate", variant: variants[take], metrics };
      }
    }
  },
};
