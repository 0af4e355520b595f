import { systemClock } from "../../../shared/clock/clock.ts";
import type { SigningKey } from "../../../shared/signature/keys.ts";
import type { Bench } from "../bench.ts";
import { newKey, runCentralBench } from "../central/ingest.bench.ts";
import { produceSigned } from "../central/produce-signed.ts";
import { measureFlow } from "../measure/flow.ts";
import type { Sample } from "../report/results.ts";
import { type BenchCase, defaultFlow } from "./case.ts";
import { CENTRAL } from "./central.ts";

const signs = "a file of lines at once, each batch signed";
const checks = "a topic of signed batches, each one checked";

/** What signatures cost. A few percent are less than what runs differ by, so pairs are compared and not sums. */
export const signing: BenchCase = {
  name: "signing",
  title: "What signatures cost",
  about: "CPU of --lines lines signed and unsigned, checked and unchecked, in --runs pairs",
  method:
    "Runs come in pairs, with and without signatures; the order changes from pair to pair. The share is the median of " +
    "the shares of the pairs. The edge carries a file. Central catches up with one topic of signed batches of 1,000 " +
    "lines, once checking the signatures and once not.",
  page: "edge",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: ["unsignedCpuPerMillion", "cpuPerMillion", "signingPercent"],
  targets: [{ variant: signs, column: "signingPercent", atMost: 3 }],
  async *run(bench) {
    const { lines, runs } = bench.options;
    const key = newKey();
    const topic = `signing-${Math.round(systemClock.now())}`;
    const brokers = [bench.broker.internalAddress];
    await produceSigned(
      { brokers, topic, partitions: 4, events: lines, vehicles: 100, startMs: 1_760_000_000_000 },
      key,
    );
    for (let pair = 0; pair < runs; pair++) {
      const signedFirst = pair % 2 === 1;
      for (const agent of bench.oursOnly) {
        const cpu = async (signed: boolean) => {
          const flow = { ...defaultFlow, signed };
          return (await measureFlow(bench, { agent, flow, lines, partitions: 1 })).cpuPerMillion ?? Number.NaN;
        };
        yield await compare({ subject: agent.name, variant: signs }, cpu, signedFirst);
      }
      const cpu = (checked: boolean) => centralCpu(bench, topic, checked ? key : undefined);
      yield await compare({ subject: CENTRAL, variant: checks }, cpu, signedFirst);
    }
  },
};

async function centralCpu({ options, broker }: Bench, topic: string, signedBy: SigningKey | undefined) {
  const brokers = [broker.internalAddress];
  const run = await runCentralBench({ brokers, topic, events: options.lines, vehicles: 100, signedBy });
  return run.cpuSecondsPerMillion;
}

/** `cpu`: of one run, with signatures or without. */
async function compare(
  of: Pick<Sample, "subject" | "variant">,
  cpu: (signed: boolean) => Promise<number>,
  signedFirst: boolean,
): Promise<Sample> {
  const first = await cpu(signedFirst);
  const second = await cpu(!signedFirst);
  const [signed, unsigned] = signedFirst ? [first, second] : [second, first];
  const signingPercent = (signed / unsigned - 1) * 100;
  return { ...of, metrics: { unsignedCpuPerMillion: unsigned, cpuPerMillion: signed, signingPercent } };
}
