import { measureFlow } from "../measure/flow.ts";
import { measureOutage } from "../measure/outage.ts";
import type { ColumnName } from "../report/columns.ts";
import { type BenchCase, defaultFlow, type Target } from "./case.ts";

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

const stopped = "broker stopped, cold afterwards";
const cut = "link cut, broker at work";

/** A million lines are written while the broker or the link to it is away. */
export const outage: BenchCase = {
  name: "outage",
  title: "An outage, then the drain",
  about:
    "the broker stopped, or the link to it cut, while --lines lines are written: recording, draining, lost and repeated",
  method:
    "The broker is away. A file of lines appears under a warm agent. When the agent has become quiet, the broker " +
    "comes back. Draining is timed from the broker's first append until 95 % of the lines are in. This is done in two " +
    "ways. In the first the broker is stopped and started, so that it runs its own code for the first time while it " +
    "takes the backlog. In the second the link is cut, and the broker has carried as many lines just before, for " +
    "another agent. For peers the broker is stopped.",
  page: "edge",
  size: "ordinary",
  peers: true,
  rows: "median",
  columns,
  targets: [stopped, cut].flatMap((variant): Target[] => [
    { variant, column: "recordDiskPerStored", atMost: 2.2 },
    { variant, column: "drainDiskPerStored", atMost: 0.1 },
    { variant, column: "drainMbPerSecond", atLeast: 60 },
    { variant, column: "drainCpuPerMillion", atMost: 0.15 },
    { variant, column: "lost", atMost: 0 },
    { variant, column: "repeated", atMost: 0 },
  ]),
  async *run(bench) {
    const { lines, runs } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const agent of bench.oursOnly) {
        const flow = defaultFlow;
        yield {
          subject: agent.name,
          variant: stopped,
          metrics: await measureOutage(bench, { agent, flow, lines, away: "broker" }),
        };
        await measureFlow(bench, { agent, flow, lines, partitions: 1 });
        yield {
          subject: agent.name,
          variant: cut,
          metrics: await measureOutage(bench, { agent, flow, lines, away: "link" }),
        };
      }
      for (const agent of bench.peers) {
        const metrics = await measureOutage(bench, { agent, flow: defaultFlow, lines, away: "broker" });
        yield { subject: agent.name, variant: agent.setup, metrics };
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
    "as they can be read. So batches are as large as in an outage at any rate that fills a batch within 5 s.",
  page: "edge",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns,
  targets: [
    { variant: "8.64 M lines", column: "drainLinesPerSecond", atLeast: 300_000 },
    { variant: "8.64 M lines", column: "rssPeakMb", atMost: 120 },
  ],
  async *run(bench) {
    const lines = bench.options.quick ? bench.options.lines : dayLines;
    for (const agent of bench.oursOnly) {
      const metrics = await measureOutage(bench, { agent, flow: defaultFlow, lines, away: "broker" });
      yield { subject: agent.name, variant: `${lines / 1e6} M lines`, metrics };
    }
  },
};
