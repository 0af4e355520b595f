import { measureManyFiles } from "../measure/many-files.ts";
import { type BenchCase, defaultFlow } from "./case.ts";

const written = 200;
const linesPerSecond = 20;
/** Ours gives its code back after 30 s: see low-rate. */
const calmSeconds = 40;

const variants = [5, 1_000, 20_000].flatMap((files) => [
  { files, linesPerSecond: 0, variant: `${files.toLocaleString("en")} files, idle` },
  { files, linesPerSecond, variant: `${files.toLocaleString("en")} files, ${linesPerSecond} lines/s` },
]);

/** A folder of many files: the cost is to go with the lines, not with the files. */
export const manyFiles: BenchCase = {
  name: "many-files",
  title: "Many files",
  about: `5, 1,000 and 20,000 files in one folder, idle and with ${linesPerSecond} lines/s: CPU and memory`,
  method:
    `All files were read to their ends and ${calmSeconds} s have passed. Then nothing is written, or ${linesPerSecond} ` +
    `lines/s to ${written} of the files in turn (or to all, where they are fewer), for the length of the case.`,
  page: "edge",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: ["cpuPercent", "rssMb", "anonymousMb", "lost", "repeated"],
  targets: [
    { variant: "20,000 files, idle", column: "cpuPercent", atMost: 1 },
    { variant: "20,000 files, 20 lines/s", column: "cpuPercent", atMost: 2 },
  ],
  async *run(bench) {
    const { runs, seconds } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const agent of bench.oursOnly) {
        for (const { variant, ...what } of variants) {
          const run = {
            agent,
            flow: defaultFlow,
            ...what,
            written: Math.min(written, what.files),
            seconds,
            calmSeconds,
          };
          yield { subject: agent.name, variant, metrics: await measureManyFiles(bench, run) };
        }
      }
    }
  },
};
