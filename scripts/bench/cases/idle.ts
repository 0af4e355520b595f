import { measureIdle } from "../measure/idle.ts";
import { type BenchCase, defaultFlow } from "./case.ts";

const files = 5;

/** Nothing to do: what stays on the gateway's CPU and in its memory all day. */
export const idle: BenchCase = {
  name: "idle",
  title: "Idle",
  about: `${files} files watched, Kafka connected, nothing written: CPU and memory`,
  method: `${files} files were read to their ends, the broker is connected, then nothing is written for the length of the case.`,
  page: "edge",
  size: "ordinary",
  peers: true,
  rows: "median",
  columns: ["cpuPercent", "rssMb", "anonymousMb", "wirePerSecond", "diskKbPerSecond"],
  targets: [
    { variant: "default", column: "cpuPercent", atMost: 0.4 },
    { variant: "default", column: "rssMb", atMost: 60 },
  ],
  async *run(bench) {
    const { runs, seconds } = bench.options;
    for (let run = 0; run < runs; run++) {
      for (const agent of bench.agents) {
        const metrics = await measureIdle(bench, { agent, flow: defaultFlow, files, seconds });
        yield { subject: agent.name, variant: "default", metrics };
      }
    }
  },
};
