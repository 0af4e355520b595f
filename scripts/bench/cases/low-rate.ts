import type { Bench } from "../bench.ts";
import { measurePace } from "../measure/pace.ts";
import type { Launch } from "../measure/running-agent.ts";
import type { Sample } from "../report/results.ts";
import { type BenchCase, defaultFlow } from "./case.ts";

/** A driver's data comes once a second from each of a hundred cars. */
export const linesPerSecond = 100;
/**
 * Agents run for months: what their first minute costs in compiling is not what they cost. Ours gives its code back
 * after 30 s (edge/commands/slim.ts) and compiles what it needs once more.
 */
const warmSeconds = 90;

const lingers: readonly { readonly variant: string; readonly lingerMs: number }[] = [
  { variant: "linger 1 s (default)", lingerMs: 1000 },
  { variant: "linger 50 ms", lingerMs: 50 },
  { variant: "linger 10 ms", lingerMs: 10 },
];

/** 100 lines a second: the trade between latency, CPU, flash wear and link that linger is. */
export const lowRate: BenchCase = {
  name: "low-rate",
  title: "100 lines a second",
  about: "100 lines/s for --seconds at linger 1 s, 50 ms, 10 ms: CPU, latency, disk, wire, requests",
  method:
    "One line of 200 B is written every 10 ms and holds the time of its writing. Latency is from then to the broker's " +
    "time of the append (both in whole milliseconds of one clock). Bytes and requests are counted between agent and " +
    "broker, without the network's own headers. Disk is what reached the device, with the file system's journal. " +
    `Peers run with their own default linger. Before it, ${warmSeconds} s of lines at the same rate are written and ` +
    "not counted.",
  page: "edge",
  size: "ordinary",
  peers: true,
  rows: "median",
  columns: [
    "cpuPercent",
    "p50Ms",
    "p99Ms",
    "maxMs",
    "diskPerLineByte",
    "diskKbPerSecond",
    "wirePerLine",
    "wireBackPerLine",
    "requestsPerSecond",
    "rssMb",
    "lagP99Ms",
    "lost",
    "repeated",
  ],
  targets: [
    { variant: "linger 1 s (default)", column: "cpuPercent", atMost: 0.9 },
    { variant: "linger 1 s (default)", column: "diskPerLineByte", atMost: 1.5 },
    { variant: "linger 1 s (default)", column: "wirePerLine", atMost: 26 },
    { variant: "linger 1 s (default)", column: "requestsPerSecond", atMost: 1.2 },
    { variant: "linger 50 ms", column: "p50Ms", atMost: 30 },
    { variant: "linger 50 ms", column: "p99Ms", atMost: 55 },
    { variant: "linger 50 ms", column: "cpuPercent", atMost: 2.5 },
    { variant: "linger 10 ms", column: "p99Ms", atMost: 15 },
    { variant: "linger 10 ms", column: "cpuPercent", atMost: 5 },
  ],
  async *run(bench) {
    for (let run = 0; run < bench.options.runs; run++) {
      yield* pacedLingers(bench, lingers);
      for (const agent of bench.peers) {
        const metrics = await measurePace(bench, {
          agent,
          flow: defaultFlow,
          linesPerSecond,
          seconds: bench.options.seconds,
          warmSeconds,
        });
        yield { subject: agent.name, variant: "its own linger", metrics };
      }
    }
  },
};

/** Ours once at each linger. */
export async function* pacedLingers(
  bench: Bench,
  variants: readonly { readonly variant: string; readonly lingerMs: number }[],
  launch?: Launch,
): AsyncIterable<Sample> {
  for (const agent of bench.oursOnly) {
    for (const { variant, lingerMs } of variants) {
      const metrics = await measurePace(bench, {
        agent,
        flow: { ...defaultFlow, lingerMs },
        linesPerSecond,
        seconds: bench.options.seconds,
        warmSeconds,
        ...(launch === undefined ? {} : { launch }),
      });
      yield { subject: agent.name, variant, metrics };
    }
  }
}
