import { type CentralBenchResult, runCentralBench } from "../central/ingest.bench.ts";
import type { Metrics } from "../report/columns.ts";
import type { BenchCase } from "./case.ts";

/** As the page calls the centre. */
export const CENTRAL = "Tailgate central";

const megabytesPerMebibyte = 1024 ** 2 / 1e6;
const variants: readonly { readonly variant: string; readonly vehicles: number; readonly signed?: boolean }[] = [
  { variant: "100 vehicles", vehicles: 100 },
  { variant: "100 vehicles, signed", vehicles: 100, signed: true },
  { variant: "10,000 vehicles, interleaved", vehicles: 10_000 },
];

/** From the topic to rows with indexes, ledger and last state. */
export const centralIngest: BenchCase = {
  name: "central",
  title: "From the topic to the store",
  about: "--lines events from the topic into the SQLite store with its indexes, ledger and last state",
  method:
    "Events wait in a topic of four partitions. One process consumes and stores them exactly once, with indexes, ledger " +
    "and each vehicle's last state. CPU and memory are read from /proc, its progress over its own HTTP.",
  page: "central",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: [
    "eventsPerSecond",
    "cpuPerMillion",
    "rssPeakMb",
    "anonymousMb",
    "storedPerEvent",
    "writtenPerEvent",
    "lost",
    "repeated",
  ],
  targets: [
    { variant: "100 vehicles", column: "eventsPerSecond", atLeast: 120_000 },
    { variant: "100 vehicles", column: "cpuPerMillion", atMost: 7 },
    { variant: "100 vehicles", column: "rssPeakMb", atMost: 250 },
    { variant: "100 vehicles", column: "lost", atMost: 0 },
    { variant: "100 vehicles", column: "repeated", atMost: 0 },
    { variant: "10,000 vehicles, interleaved", column: "eventsPerSecond", atLeast: 50_000 },
  ],
  async *run(bench) {
    const { lines, runs } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const { variant, vehicles, signed = false } of variants) {
        const brokers = [bench.broker.internalAddress];
        const result = await runCentralBench({ brokers, events: lines, vehicles, signed });
        yield { subject: CENTRAL, variant, metrics: metricsOf(result) };
      }
    }
  },
};

function metricsOf(result: CentralBenchResult): Metrics {
  return {
    eventsPerSecond: result.eventsPerSecond,
    cpuPerMillion: result.cpuSecondsPerMillion,
    rssPeakMb: result.rssPeakMiB * megabytesPerMebibyte,
    anonymousMb: result.anonymousMiB * megabytesPerMebibyte,
    storedPerEvent: result.storeBytesPerEvent,
    writtenPerEvent: result.writtenBytesPerEvent,
    lost: result.missing,
    repeated: result.repeated,
  };
}
