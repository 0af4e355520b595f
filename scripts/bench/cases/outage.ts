import { measureOutage } from "../measure/outage.ts";
import type { ColumnName } from "../report/columns.ts";
import { type BenchCase, defaultFlow } from "./case.ts";

const columns: readonly ColumnName[] = [
  "recordCpuPerMillion",
  "recordDiskPerStored",
  "drainLinesPerSecond",
  "drainMbPerSecond",
  "drainCpuPerMillion",
  "drainDiskPerStored",
  "rssPeakMb",
  "anonymousMb",
  "lost",
  "repeated",
];

/** The broker is away while a million lines are written, then comes back. */
export const outage: BenchCase = {
  name: "outage",
  title: "An outage, then the drain",
  about: "the broker is stopped while --lines lines are written, then started: recording, draining, lost and repeated",
  method:
    "The broker is stopped under a warm agent, a file of lines appears, and when the agent has become quiet the broker " +
    "is started. Draining is timed from the broker's first append until 95 % of the lines are in.",
  page: "edge",
  size: "ordinary",
  rows: "median",
  columns,
  targets: [
    { variant: "zstd, identity", column: "recordDiskPerStored", atMost: 2.2 },
    { variant: "zstd, identity", column: "drainDiskPerStored", atMost: 0.1 },
    { variant: "zstd, identity", column: "drainMbPerSecond", atLeast: 60 },
    { variant: "zstd, identity", column: "drainCpuPerMillion", atMost: 0.15 },
    { variant: "zstd, identity", column: "lost", atMost: 0 },
    { variant: "zstd, identity", column: "repeated", atMost: 0 },
  ],
  async *run(bench) {
    const { lines, runs } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const agent of bench.agents) {
        const metrics = await measureOutage(bench, { agent, flow: defaultFlow, lines });
        yield { subject: agent.name, variant: agent === bench.ours ? "zstd, identity" : agent.setup, metrics };
      }
    }
  },
};

/** A day's lines of the pilot's drivers at 100 a second. */
const dayLines = 24 * 3600 * 100;

/** A day without the broker, drained. */
export const day: BenchCase = {
  name: "day",
  title: "A day at 100 lines a second, drained",
  about: "8.64 M lines recorded while the broker is away, then drained (one run)",
  method:
    "As the outage, with the lines of a day at 100 a second (with --quick a tenth of them). They are recorded as fast " +
    "as they can be read, so batches are as large as while the sink is away at any rate above their size in 5 s.",
  page: "edge",
  size: "ordinary",
  rows: "median",
  columns,
  targets: [
    { variant: "8.64 M lines", column: "drainLinesPerSecond", atLeast: 300_000 },
    { variant: "8.64 M lines", column: "rssPeakMb", atMost: 120 },
  ],
  async *run(bench) {
    const lines = bench.options.quick ? bench.options.lines : dayLines;
    for (const agent of bench.oursOnly) {
      const metrics = await measureOutage(bench, { agent, flow: defaultFlow, lines });
      yield { subject: agent.name, variant: `${lines / 1e6} M lines`, metrics };
    }
  },
};
