/** What other producers write, by kcat: each codec is read. And a record batch that cannot be read never stands still in silence. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createKafkajsLink } from "../../../../shared/kafka/connection/kafkajs-link.ts";
import { RecordBatchBuilder } from "../../../../shared/kafka/record-batch/builder.ts";
import { systemRandom } from "../../../../shared/random/random.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../../drivers/kafka/broker.ts";
import { createTopic, topicRecords } from "../../../drivers/kafka/topic.ts";
import { Copier, produce, series } from "./kafka-source-agent.ts";

const dir = tempDir();
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 90_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

async function copied(topic: string): Promise<readonly string[]> {
  return (await topicRecords(broker.internalAddress, topic)).map(({ value }) => String(value));
}

test("records of every codec are read", async () => {
  for (const topic of ["codecs", "codecs-copy"]) await createTopic(broker.internalAddress, topic);
  const values: string[] = [];
  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    const own = Array.from({ length: 500 }, (_, index) => `${codec} ${index} ${"tyre pressure ".repeat(index % 9)}`);
    values.push(...own);
    const path = dir.file(`${codec}.txt`);
    writeFileSync(path, `${own.join("\n")}\n`);
    const kcat = ["kcat", "-P", "-b", broker.internalAddress, "-t", "codecs", "-p", "0", "-z", codec, "-l", path];
    expect(Bun.spawnSync(kcat).exitCode).toBe(0);
  }
  await using agent = await Copier.start({
    folder: dir.path,
    name: "codecs",
    brokers: [broker.address],
    source: { topics: ["codecs"] },
    topic: "codecs-copy",
  });
  const all = { withinMs: 30_000, everyMs: 300 };
  const got = await until(
    "all to be copied",
    () => copied("codecs-copy"),
    (seen) => seen.length >= values.length,
    all,
  );
  expect(got).toEqual(values);
  expect(await agent.metric("tailgate_kafka_source_lag")).toBe(0);
}, 120_000);

/** A few KiB that hold more than any batch may: nobody decompresses them. */
async function produceBomb(topic: string): Promise<void> {
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
  const buffer = Buffer.alloc(1024 * 1024);
  builder.begin(0);
  const record = { buffer, start: 0, end: buffer.length, eventTimeMs: Date.now(), key: undefined };
  for (let left = 70; left > 0; left--) builder.append({ ...record, headerNames: [], headerValues: [] });
  const { bytes } = builder.seal();
  const link = createKafkajsLink({
    brokers: [broker.internalAddress],
    clientId: "test",
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 30_000,
    report: silent,
    component: "test",
    random: systemRandom,
  });
  try {
    const [node] = (await link.topic(topic)).leaders;
    if (node === undefined) throw new Error("no leader");
    expect(await link.produce(node, [{ topic, partition: 0, bytes }])).toMatchObject([{ errorCode: 0 }]);
  } finally {
    link.close();
  }
}

test("a batch that cannot be read: it is said once, with place and reason, and the agent is not ready", async () => {
  for (const topic of ["bomb", "bomb-copy"]) await createTopic(broker.internalAddress, topic);
  const values = series("before", 5);
  await produce(broker.address, "bomb", values);
  await using agent = await Copier.start({
    folder: dir.path,
    name: "bomb",
    brokers: [broker.address],
    source: { topics: ["bomb"] },
    topic: "bomb-copy",
  });
  const within = { withinMs: 60_000, everyMs: 300 };
  await until(
    "what was before to be copied",
    () => copied("bomb-copy"),
    (seen) => seen.length >= 5,
    within,
  );
  await produceBomb("bomb");
  const { words } = await until(
    "it to be unready",
    () => agent.ready(),
    ({ ok }) => !ok,
    within,
  );
  expect(words).toMatch(/source in cannot read bomb\/0 at offset 5: .*hold more than/);
  expect(await agent.source()).toMatchObject({
    stalled: expect.stringContaining("bomb/0 at offset 5"),
    partitions: [{ topic: "bomb", partition: 0, next: 5, end: 75, lag: 70 }],
  });
  expect(await agent.metric("tailgate_kafka_source_stalled")).toBe(1);
  // It stays so, and is not said again.
  for (let left = 25; left > 0; left--) {
    await Bun.sleep(1_000);
    expect((await agent.ready()).ok).toBe(false);
  }
  expect(agent.said("A partition has records to read, and none come")).toBe(1);
}, 180_000);
