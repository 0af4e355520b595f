import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Bench } from "../bench.ts";
import { Sample } from "../report/results.ts";
import type { BenchCase } from "./case.ts";

/** What the centre's own bench is asked for. It measures itself with the broker that is given to it. */
export interface CentralBenchOptions {
  /** Plain and direct. */
  readonly brokers: readonly string[];
  /** A directory on a real disk for its store; removed afterwards. */
  readonly directory: string;
  readonly events: number;
  /** `ingest`: topic → store. `reads`: the HTTP interface over as many rows while ingest goes on. */
  readonly part: "ingest" | "reads";
  readonly progress: (text: string) => void;
}

const modulePath = join(import.meta.dir, "..", "..", "..", "central", "bench", "run-central-bench.ts");
const Module = z.object({
  runCentralBench: z.custom<(options: CentralBenchOptions) => AsyncIterable<unknown>>(
    (value) => typeof value === "function",
  ),
});

/** From the topic to rows with indexes, ledger and last state. */
export const centralIngest: BenchCase = {
  name: "central",
  title: "From the topic to the store",
  about: "--lines events from the topic into the SQLite store with its indexes, ledger and last state",
  method:
    "Events wait in the topic; one process consumes and stores them exactly once, with indexes, ledger and each vehicle's " +
    "last state. Timed from the first stored row to the last.",
  page: "central",
  size: "ordinary",
  rows: "median",
  columns: ["eventsPerSecond", "cpuPerMillion", "rssPeakMb", "anonymousMb", "firstRowMs", "lost", "repeated"],
  targets: [
    { variant: "100 vehicles", column: "eventsPerSecond", atLeast: 120_000 },
    { variant: "100 vehicles", column: "cpuPerMillion", atMost: 7 },
    { variant: "100 vehicles", column: "rssPeakMb", atMost: 250 },
    { variant: "10,000 vehicles, interleaved", column: "eventsPerSecond", atLeast: 50_000 },
    { variant: "killed with -9, restarted", column: "firstRowMs", atMost: 10_000 },
    { variant: "store back after an outage", column: "firstRowMs", atMost: 1_000 },
    { variant: "catch-up while live goes on", column: "eventsPerSecond", atLeast: 50_000 },
  ],
  async *run(bench) {
    for (let run = 0; run < bench.options.runs; run++) yield* measureCentral(bench, "ingest", bench.options.lines);
  },
};

const bigRows = 100_000_000;

/** Reads over a full store while it is being written. */
export const centralReads: BenchCase = {
  name: "central-reads",
  title: "Reads over HTTP while ingest runs",
  about: "100 M rows stored, ingest at full rate: p99 of a vehicle's last state and of a vehicle's hour of events",
  method: "The store holds 100 M rows and takes more at full rate; requests come one after the other over HTTP.",
  page: "central",
  size: "big",
  rows: "median",
  columns: ["rows", "p50Ms", "p99Ms", "maxMs", "eventsPerSecond"],
  targets: [
    { variant: "last state of a vehicle", column: "p99Ms", atMost: 10 },
    { variant: "one vehicle-hour of events", column: "p99Ms", atMost: 50 },
  ],
  async *run(bench) {
    yield* measureCentral(bench, "reads", bench.options.quick ? bench.options.lines : bigRows);
  },
};

async function* measureCentral(
  bench: Bench,
  part: CentralBenchOptions["part"],
  events: number,
): AsyncIterable<z.output<typeof Sample>> {
  // By path: the edge's cases can be run before the centre has been built, and say so when they cannot go on.
  const module = Module.safeParse(await import(modulePath).catch((thrown: unknown) => ({ thrown })));
  if (!module.success)
    throw new AppError("BENCH_FAILED", `load central/bench/run-central-bench.ts: it has no runCentralBench`);
  const { runCentralBench } = module.data;
  const options = { brokers: [bench.broker.internalAddress], directory: bench.place.data, events, part };
  for await (const sample of runCentralBench({ ...options, progress: bench.progress })) yield Sample.parse(sample);
}
