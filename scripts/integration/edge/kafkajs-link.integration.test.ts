import { afterAll, beforeAll, expect, test } from "bun:test";
import { testBatch, testLane } from "../../../edge/testing/fakes/test-batches.ts";
import { createKafkajsLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import type { BrokerNode, KafkaLink } from "../../../shared/kafka/connection/link.ts";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { readBatchHeader, stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { soonMs } from "../../../shared/testing/soon.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, topicRecords } from "../../drivers/kafka/topic.ts";

let broker: Broker;
const links: KafkaLink[] = [];

beforeAll(async () => {
  broker = await startBroker();
}, 90_000);
afterAll(async () => {
  for (const link of links) link.close();
  await broker[Symbol.asyncDispose]();
});

function link(requestTimeoutMs = 5_000): KafkaLink {
  const made = createKafkajsLink({
    brokers: [broker.address],
    clientId: "test",
    connectTimeoutMs: 2_000,
    requestTimeoutMs,
    report: silent,
    component: "kafka",
    random: seededRandom(1),
  });
  links.push(made);
  return made;
}

async function leader(of: KafkaLink, topic: string): Promise<BrokerNode> {
  const node = (await of.topic(topic)).leaders[0];
  if (node === undefined) throw new Error("no leader");
  return node;
}

async function producer(of: KafkaLink, node: BrokerNode) {
  return await until("a producer id", async () => {
    const answer = await of.initProducerId(node);
    return "producerId" in answer ? answer : undefined;
  }).then((answer) => answer ?? { producerId: 0n, producerEpoch: 0 });
}

test("sends ready-made batches to several partitions in one request and answers for each", async () => {
  const client = link();
  await createTopic(broker.internalAddress, "several", { partitions: 2 });
  const node = await leader(client, "several");
  const { producerId, producerEpoch } = await producer(client, node);
  const good = testBatch(testLane("several"), { first: 0, count: 3 });
  const gap = testBatch(testLane("several"), { first: 0, count: 2 });
  stampBatch(good.bytes, good.recordsCrc, { producerId, producerEpoch, baseSequence: 0 });
  expect((await client.produce(node, [{ topic: "several", partition: 1, bytes: good.bytes }]))[0]?.baseOffset).toBe(0);
  stampBatch(gap.bytes, gap.recordsCrc, { producerId, producerEpoch, baseSequence: 9 });
  const answers = await client.produce(node, [
    { topic: "several", partition: 0, bytes: good.bytes },
    { topic: "several", partition: 1, bytes: gap.bytes },
    { topic: "nowhere", partition: 0, bytes: good.bytes },
  ]);
  expect(answers.map((answer) => answer.errorCode)).toEqual([
    errors.NONE,
    errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
    errors.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
  const records = await topicRecords(broker.internalAddress, "several");
  expect(records.map((record) => `${record.partition}:${record.value}`)).toEqual([
    "0:line 0",
    "0:line 1",
    "0:line 2",
    "1:line 0",
    "1:line 1",
    "1:line 2",
  ]);
});

test("tells producers, the end of the log and the headers of what stands in it", async () => {
  const client = link();
  await createTopic(broker.internalAddress, "looked", { config: { "message.timestamp.type": "LogAppendTime" } });
  const node = await leader(client, "looked");
  const { producerId, producerEpoch } = await producer(client, node);
  expect(await client.endOffset(node, "looked", 0)).toEqual({ errorCode: 0, offset: 0 });
  const batch = testBatch(testLane("looked"), { first: 0, count: 5 });
  stampBatch(batch.bytes, batch.recordsCrc, { producerId, producerEpoch, baseSequence: 0 });
  const [answer] = await client.produce(node, [{ topic: "looked", partition: 0, bytes: batch.bytes }]);
  expect(answer?.appendTimeMs).toBeGreaterThan(1_700_000_000_000);
  const known = await client.describeProducers(node, "looked", 0);
  expect(known.producers).toEqual([{ producerId, producerEpoch, lastSequence: 4 }]);
  expect((await client.endOffset(node, "looked", 0)).offset).toBe(5);
  const slice = await client.readLog(node, "looked", 0, 0);
  expect(slice.errorCode).toBe(0);
  expect(readBatchHeader(slice.bytes)).toMatchObject({ producerId, baseSequence: 0, recordCount: 5 });
});

test("creates a topic with settings, says when it is there, and reads the settings back", async () => {
  const client = link();
  expect((await client.topic("made")).errorCode).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION);
  const made = {
    topic: "made",
    partitions: 3,
    replicationFactor: -1,
    settings: { "message.timestamp.type": "LogAppendTime" },
  };
  expect((await client.createTopic(made)).errorCode).toBe(0);
  expect((await client.createTopic(made)).errorCode).toBe(errors.TOPIC_ALREADY_EXISTS);
  const seen = await until("leaders", async () => {
    const topic = await client.topic("made");
    return topic.leaders.filter((node) => node !== undefined).length === 3 ? topic : undefined;
  });
  expect(seen?.replicas).toEqual([1, 1, 1]);
  expect(seen?.clusterId).toBe(broker.clusterId);
  const { settings } = await client.describeConfigs("made");
  expect(settings.get("message.timestamp.type")).toBe("LogAppendTime");
});

test("gives up on a frozen broker by its own deadline and starts from zero when it is back", async () => {
  const client = link(1_000);
  await createTopic(broker.internalAddress, "frozen");
  await client.topic("frozen");
  const before = client.connections;
  broker.freeze();
  try {
    const asked = performance.now();
    await expect(client.topic("frozen")).rejects.toMatchObject({ code: "KAFKA_UNREACHABLE" });
    expect(performance.now() - asked).toBeLessThan(soonMs(1_900));
    expect(client.connected).toBe(false);
    await expect(client.topic("frozen")).rejects.toMatchObject({ code: "KAFKA_UNREACHABLE" });
  } finally {
    broker.thaw();
  }
  await until("an answer", async () => (await client.topic("frozen")).errorCode === 0);
  expect(client.connections).toBeGreaterThan(before);
}, 30_000);

test("a broker that nobody runs is unreachable, quickly", async () => {
  const client = createKafkajsLink({
    brokers: [`127.0.0.1:${await freePort()}`],
    clientId: "test",
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
    report: silent,
    component: "kafka",
    random: seededRandom(1),
  });
  await expect(client.topic("any")).rejects.toMatchObject({ code: "KAFKA_UNREACHABLE" });
  client.close();
});

test("does not talk to another cluster on the same address", async () => {
  const client = link();
  await createTopic(broker.internalAddress, "wiped");
  const node = await leader(client, "wiped");
  await broker.wipe();
  await broker.start();
  await createTopic(broker.internalAddress, "wiped");
  await until(
    "the link to notice",
    () => client.endOffset(node, "wiped", 0).catch((thrown: unknown) => thrown),
    (seen) => seen instanceof Error && "code" in seen && seen.code === "KAFKA_CLUSTER_CHANGED",
  );
  expect((await client.topic("wiped")).clusterId).toBe(broker.clusterId);
}, 60_000);
