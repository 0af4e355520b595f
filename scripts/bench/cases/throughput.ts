import type { Flow } from "../agents/agent.ts";
import { type BenchCase, defaultFlow } from "./case.ts";
import { flowSamples } from "./flow-samples.ts";

const variants: Readonly<Record<string, Flow>> = {
  "zstd, no identity": { ...defaultFlow, identity: false },
  "zstd, identity": defaultFlow,
  "zstd, identity, signed": { ...defaultFlow, signed: true },
  "filter, key, identity": { ...defaultFlow, interceptors: true },
  "filter, key, identity, 4 lanes": { ...defaultFlow, interceptors: true, partition: "key" },
};

/** Tail → durable channel → Kafka as fast as it goes, ours in five set-ups, peers in their most durable one. */
export const throughput: BenchCase = {
  name: "throughput",
  title: "Throughput: a file of a million lines",
  about:
    "a file of --lines lines at once: CPU, lines/s, memory, disk, lost and repeated; with and without interceptors",
  method:
    "An agent is warm: its broker is connected, and a first file was read. It is quiet. Then a file of lines appears " +
    "at once in its directory. CPU is counted from then until the last record is in the topic and the agent has been " +
    "settled for 1.5 s. Lines/s are counted from the file's appearance until 95 % of the lines are appended (the rest " +
    "may wait for a linger). All agents compress with zstd and ask for acks=all. Figures of agents that were given " +
    "fewer lines are scaled to a million. Of a file that appears at once a part is backlog; the soak measures what is " +
    "written to the disk while the sink keeps up.",
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
    "diskPerStored",
    "writtenPerMillionMb",
    "storedPerLine",
    "lagP99Ms",
    "lost",
    "repeated",
    "altered",
    "disordered",
  ],
  targets: [
    { variant: "zstd, no identity", column: "cpuPerMillion", atMost: 1.0 },
    { variant: "zstd, no identity", column: "linesPerSecond", atLeast: 600_000 },
    { variant: "zstd, no identity", column: "rssPeakMb", atMost: 120 },
    { variant: "zstd, no identity", column: "anonymousMb", atMost: 64 },
    { variant: "filter, key, identity", column: "cpuPerMillion", atMost: 1.5 },
    { variant: "filter, key, identity, 4 lanes", column: "cpuPerMillion", atMost: 1.8 },
    { variant: "filter, key, identity", column: "lost", atMost: 0 },
    { variant: "filter, key, identity", column: "repeated", atMost: 0 },
  ],
  run: (bench) => flowSamples(bench, variants, false),
};
