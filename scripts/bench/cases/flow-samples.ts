import type { Flow } from "../agents/agent.ts";
import type { Bench } from "../bench.ts";
import { measureFlow } from "../measure/flow.ts";
import type { Sample } from "../report/results.ts";
import { defaultFlow } from "./case.ts";

/**
 * A file of `--lines` lines, `--runs` times: ours in each of its variants, then each peer in its own set-up. Runs stand in the outer
 * loop: a noisy minute then touches one run of each, not all runs of one.
 */
export async function* flowSamples(
  bench: Bench,
  variants: Readonly<Record<string, Flow>>,
  cold: boolean,
): AsyncIterable<Sample> {
  const { lines, runs } = bench.options;
  for (let run = 0; run < runs; run++) {
    for (const agent of bench.oursOnly) {
      for (const [variant, flow] of Object.entries(variants)) {
        const partitions = flow.partition === "key" ? 4 : 1;
        const metrics = await measureFlow(bench, { agent, flow, lines, partitions, cold });
        yield { subject: agent.name, variant, metrics };
      }
    }
    for (const agent of bench.peers) {
      const metrics = await measureFlow(bench, { agent, flow: defaultFlow, lines, partitions: 1, cold });
      yield { subject: agent.name, variant: agent.setup, metrics };
    }
  }
}
