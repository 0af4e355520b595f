import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { Kafka, logLevel, type SASLOptions } from "kafkajs";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { startFaultProxy } from "../faults/fault-proxy.ts";
import { apiKeys } from "../faults/kafka-frames.ts";
import { startBroker } from "./broker.ts";
import { brokerAnswers } from "./probe.ts";
import { createTopic, deleteTopic, growTopic, readTopic, topicCount, topicOffsets, topicRecords } from "./topic.ts";

const value = Buffer.from([0x0a, 0x00, 0xff, 0xfe, 0x20, 0x0a]);

async function produce(address: string, topic: string, values: readonly Buffer[], partition = 0): Promise<void> {
  const producer = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = values.map((each) => ({ key: "car 1", value: each, partition, headers: { tg: "a/b/c.0/1@2" } }));
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
}

test("a broker keeps its data and address through stop, kill -9 and start, and forgets both when wiped", async () => {
  await using broker = await startBroker();
  await createTopic(broker.address, "lines", { partitions: 2, config: { "message.timestamp.type": "LogAppendTime" } });
  await produce(broker.address, "lines", [value, Buffer.from("plain")]);
  const { address, clusterId } = broker;

  await broker.kill();
  expect(broker.running).toBe(false);
  expect(await brokerAnswers(broker.port)).toBe(false);
  await broker.start();
  await broker.restart();
  expect(broker.address).toBe(address);
  expect(broker.clusterId).toBe(clusterId);

  const records = await topicRecords(broker.internalAddress, "lines");
  expect(records.map((record) => [record.partition, record.offset, record.headers])).toEqual([
    [0, 0, "tg=a/b/c.0/1@2"],
    [0, 1, "tg=a/b/c.0/1@2"],
  ]);
  expect(records[0]?.value).toEqual(value);
  expect(records[0]?.key?.toString()).toBe("car 1");

  await broker.wipe();
  await broker.start();
  expect(broker.address).toBe(address);
  expect(broker.clusterId).not.toBe(clusterId);
  await expect(readTopic(broker.internalAddress, "lines", () => {})).rejects.toThrow(/topic/i);
}, 60_000);

test("a topic grows, and deleted it is gone", async () => {
  await using broker = await startBroker();
  await createTopic(broker.internalAddress, "lines");
  await produce(broker.address, "lines", [value]);
  await growTopic(broker.internalAddress, "lines", 3);
  await until(
    "three partitions",
    () => topicOffsets(broker.internalAddress, "lines"),
    (seen) => seen.length === 3,
  );
  await produce(broker.address, "lines", [value, value], 2);
  expect(await topicCount(broker.internalAddress, "lines")).toBe(3);
  expect(await readTopic(broker.internalAddress, "lines", () => {})).toBe(3);
  await deleteTopic(broker.internalAddress, "lines");
}, 60_000);

test("a frozen broker accepts and does not answer; thawed it answers again", async () => {
  await using broker = await startBroker();
  broker.freeze();
  await until(
    "no answer",
    () => brokerAnswers(broker.port, 100),
    (answers) => !answers,
  );
  broker.thaw();
  await until("an answer", () => brokerAnswers(broker.port));
}, 60_000);

test("SASL clients are let in by PLAIN and SCRAM with the right password only", async () => {
  await using broker = await startBroker({ protocol: "SASL_PLAINTEXT", users: { gateway: "open sesame" } });
  const connects = async (sasl: SASLOptions) => {
    const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING, retry: { retries: 0 }, sasl });
    const admin = kafka.admin();
    const connected = await admin.connect().then(
      () => true,
      () => false,
    );
    await admin.disconnect();
    return connected;
  };
  for (const [password, works] of [
    ["open sesame", true],
    ["guess", false],
  ] as const) {
    expect(await connects({ mechanism: "plain", username: "gateway", password })).toBe(works);
    expect(await connects({ mechanism: "scram-sha-512", username: "gateway", password })).toBe(works);
  }
}, 60_000);

test("a port that is taken fails at once, with the broker's own words", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await expect(startBroker({ port })).rejects.toThrow(/address already in use|ended/i);
  taken.close();
}, 60_000);

test("behind a proxy clients go where metadata sends them, so a swallowed answer makes them send twice", async () => {
  const port = await freePort();
  await using proxy = await startFaultProxy({ upstreamPort: port });
  await using broker = await startBroker({ port, advertisedPort: proxy.port });
  expect(broker.address).toBe(proxy.address);
  await createTopic(broker.internalAddress, "lines");
  const swallowed = proxy.swallowNextAnswer(apiKeys.produce);
  await produce(broker.address, "lines", [value]);
  await swallowed;
  expect(await topicCount(broker.internalAddress, "lines")).toBe(2);
}, 60_000);
