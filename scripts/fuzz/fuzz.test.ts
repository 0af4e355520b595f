/**
 * Every parser that meets the world, with inputs that are almost right: a short look here, a long one by
 *
 *     FUZZ_SECONDS=600 bun test ./scripts/fuzz/fuzz.test.ts
 *
 * shared out over the targets. A finding names the number of its input: FUZZ_SEED=<number> begins with it. The short look tries the
 * same inputs each time, the long one others each day.
 */
import { afterAll, expect, test } from "bun:test";
import { seededRandom } from "../../shared/random/random.ts";
import { mutateBytes, mutateText } from "./mutate.ts";
import { fuzz } from "./run.ts";
import { apiBodies, apiRequests } from "./targets/api.ts";
import { centralConfigs, edgeConfigs, keyLists } from "./targets/configs.ts";
import { avroFrames, flumeConfs } from "./targets/flume.ts";
import { claims, identityHeaders } from "./targets/identity.ts";
import { kafkaAnswers } from "./targets/kafka-answers.ts";
import { peerPackets, pushedRequests, syslogMessages } from "./targets/pushed.ts";
import { fetchedBatches, storedBatches } from "./targets/record-batch.ts";
import { bodiesToAggregator } from "./targets/relay-source.ts";
import { heartbeats, relayedBodies } from "./targets/relayed.ts";
import { ruleExpressions, rulesFiles } from "./targets/rules.ts";
import { copiedRows, storedChunks } from "./targets/stored.ts";
import { thriftFrames } from "./targets/thrift.ts";

const targets = [
  fetchedBatches,
  storedBatches,
  identityHeaders,
  claims,
  kafkaAnswers,
  edgeConfigs,
  centralConfigs,
  keyLists,
  relayedBodies,
  bodiesToAggregator,
  heartbeats,
  rulesFiles,
  ruleExpressions,
  flumeConfs,
  avroFrames,
  thriftFrames,
  syslogMessages,
  pushedRequests,
  peerPackets,
  storedChunks,
  copiedRows,
  apiBodies,
  apiRequests,
];

const seconds = Number(process.env.FUZZ_SECONDS ?? 0);
const long = seconds > 0;
const forMs = long ? (seconds * 1_000) / targets.length : 300;
const seed = Number(process.env.FUZZ_SEED ?? (long ? Math.floor(Date.now() / 86_400_000) * 1_000_000 : 1));

afterAll(async () => {
  for (const target of targets) await target.end?.();
});

test.each(targets.map((target) => [target.name, target] as const))(
  "%s: refused in words, in bounded time and memory",
  async (name, target) => {
    const result = await fuzz(target, { seed, forMs, inputsMax: long ? 1e9 : 2_000 });
    if (long) console.log(`${name}: ${result.inputs} inputs, the slowest ${result.slowestCpuMs.toFixed(0)} ms of CPU`);
    expect(result.finding).toBeUndefined();
  },
  forMs * 2 + 60_000,
);

test("a finding is one: an error nobody is ready for, too much CPU, and its number repeats it", async () => {
  const name = "a bad parser";
  const options = { seed: 5, forMs: 5_000, inputsMax: 100_000 };
  const bad = (random: { next(): number }) => {
    if (random.next() < 0.01) throw new TypeError("no such field");
  };
  const { finding, inputs } = await fuzz({ name, try: bad }, options);
  expect(finding).toContain(`a bad parser, input ${5 + inputs}: TypeError`);
  const again = await fuzz({ name, try: bad }, { ...options, seed: 5 + inputs });
  expect(again).toMatchObject({ inputs: 0, finding: expect.stringContaining("TypeError") });
  const slow = () => {
    const { user } = process.cpuUsage();
    while (process.cpuUsage().user - user < 30_000);
  };
  expect((await fuzz({ name, try: slow }, { ...options, cpuMsMax: 20 })).finding).toContain("ms of CPU");
}, 60_000);

test("inputs are made from their number alone", () => {
  const made = () => {
    const random = seededRandom(3);
    return [mutateBytes(random, [Buffer.from("seed of a parser")]).toString("hex"), mutateText(random, ["a: b\nc: d"])];
  };
  expect(made()).toEqual(made());
});
