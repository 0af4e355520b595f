import type { Flow } from "../agents/agent.ts";
import { type BenchCase, defaultFlow } from "./case.ts";
import { flowSamples } from "./flow-samples.ts";

const variants: Readonly<Record<string, Flow>> = {
  "zstd, identity": defaultFlow,
  "zstd, no identity": { ...defaultFlow, identity: false },
  "filter, key, identity": { ...defaultFlow, interceptors: true },
};

/** The same file as `throughput`, there before the agent is: start-up, compiling and first connections count. */
export const cold: BenchCase = {
  name: "cold",
  title: "Throughput, cold: the file is there when the agent starts",
  about:
    "a file of --lines lines that is there when the agent is started: everything counts from the start of its process",
  method:
    "As above, but the file is there before the agent starts, and the agent has nothing of its own on the disk. " +
    "Counted from the start of the process: reading its config, loading and compiling its code, and connecting to the " +
    "broker are included.",
  page: "edge",
  size: "ordinary",
  peers: true,
  rows: "median",
  columns: [
    "cpuPerMillion",
    "linesPerSecond",
    "rssPeakMb",
    "anonymousMb",
    "diskPerMillionMb",
    "storedPerLine",
    "lost",
    "repeated",
    "altered",
    "disordered",
  ],
  targets: [
    { variant: "zstd, identity", column: "cpuPerMillion", atMost: 1.6 },
    { variant: "zstd, identity", column: "lost", atMost: 0 },
    { variant: "zstd, identity", column: "repeated", atMost: 0 },
  ],
  run: (bench) => flowSamples(bench, variants, true),
};
