import { measureWay } from "../measure/ways.ts";
import type { BenchCase } from "./case.ts";

const ways = { kafka: "over Kafka", relay: "by relay" } as const;

/** The whole way from a file to the store, over Kafka and by relay: what either end costs. */
export const wayCosts: BenchCase = {
  name: "ways",
  title: "From the file to the store: over Kafka, and by relay",
  about: "--lines lines from a file into the centre's store, over Kafka and by relay: CPU of both ends",
  method:
    "A file of lines appears at once in front of a warm edge, whose key is the vehicle. A centre stores the lines. CPU and memory of " +
    "the two processes are read from /proc, until the store has all lines and both have been quiet for 1.5 s. The broker is not " +
    "counted. By relay there is no broker, and the centre syncs each transaction.",
  page: "central",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: ["cpuPerMillion", "linesPerSecond", "rssPeakMb", "lost", "repeated"],
  targets: [
    { variant: "the edge, by relay", column: "lost", atMost: 0 },
    { variant: "the edge, by relay", column: "repeated", atMost: 0 },
  ],
  async *run(bench) {
    const { lines, runs } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const way of ["kafka", "relay"] as const) {
        const { edge, central } = await measureWay(bench, way, lines);
        yield { subject: "Tailgate", variant: `the edge, ${ways[way]}`, metrics: edge };
        yield { subject: "Tailgate", variant: `the centre, ${ways[way]}`, metrics: central };
      }
    }
  },
};
