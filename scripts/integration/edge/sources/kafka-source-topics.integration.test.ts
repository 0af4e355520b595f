/**
 * What can become of a topic while it is read, or while nobody reads it, on a real broker: deleted and made again, shorter than
 * what was told of it, its oldest records deleted. Each record that is there must be copied, and what is not must be said.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKafka } from "../../../../shared/kafka/connection/client.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../../drivers/kafka/broker.ts";
import { createTopic, deleteTopic, topicRecords } from "../../../drivers/kafka/topic.ts";
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

const make = (topic: string) => createTopic(broker.internalAddress, topic);

async function admin<Answer>(ask: (admin: ReturnType<ReturnType<typeof createKafka>["admin"]>) => Promise<Answer>) {
  const kafka = createKafka({
    brokers: [broker.internalAddress],
    clientId: "test",
    report: silent,
    component: "test",
  });
  const own = kafka.admin();
  await own.connect();
  try {
    return await ask(own);
  } finally {
    await own.disconnect();
  }
}

async function makeAgain(topic: string): Promise<void> {
  await deleteTopic(broker.internalAddress, topic);
  await until(
    `${topic} to be gone`,
    () => admin((own) => own.listTopics()),
    (names) => !names.includes(topic),
  );
  await make(topic);
}

/** An agent that copies `NAME-in` to `NAME-out`. */
async function copier(name: string, more: object = {}): Promise<Copier> {
  await make(`${name}-out`);
  const source = { topics: [`${name}-in`], ...more };
  return await Copier.start({ folder: dir.path, name, brokers: [broker.address], source, topic: `${name}-out` });
}

async function copied(name: string, values: readonly string[]): Promise<void> {
  const seen = async () => {
    const records = await topicRecords(broker.internalAddress, `${name}-out`);
    return records.map(({ value }) => String(value));
  };
  const found = await until(`${name} to be copied`, seen, (got) => got.length >= values.length, {
    withinMs: 45_000,
    everyMs: 300,
  });
  expect(found.toSorted()).toEqual(values.toSorted());
}

test("a topic that is deleted and made again, while it is read and while it is not, is read from its beginning", async () => {
  await make("again-in");
  await using agent = await copier("again");
  const values = series("first", 500);
  await produce(broker.address, "again-in", values);
  await copied("again", values);

  // Longer than what was read of the one before: no offset tells them apart.
  await makeAgain("again-in");
  const live = series("live", 900);
  await produce(broker.address, "again-in", live);
  values.push(...live);
  await copied("again", values);
  expect(agent.said("What was read is no longer there")).toBe(1);

  await agent.stop();
  await makeAgain("again-in");
  const stopped = series("stopped", 2_000);
  await produce(broker.address, "again-in", stopped);
  await agent.restart();
  values.push(...stopped);
  await copied("again", values);
  expect(await agent.metric("tailgate_kafka_source_anew_total")).toBe(1);

  // Shorter, after a kill; and read to its end.
  await agent.kill();
  await makeAgain("again-in");
  const killed = series("killed", 300);
  await produce(broker.address, "again-in", killed);
  await agent.restart();
  values.push(...killed);
  await copied("again", values);
  expect((await agent.source()).partitions).toEqual([{ topic: "again-in", partition: 0, next: 300, end: 300, lag: 0 }]);
}, 240_000);

test("a position after the end of the log: it is read from its beginning, and said once", async () => {
  await make("beyond-in");
  const values = series("a", 100);
  await produce(broker.address, "beyond-in", values);
  await admin((own) =>
    own.setOffsets({ groupId: "beyond", topic: "beyond-in", partitions: [{ partition: 0, offset: "510" }] }),
  );
  await using agent = await copier("beyond", { groupId: "beyond" });
  await copied("beyond", values);
  expect(agent.said("What was read is no longer there")).toBe(1);
  expect(agent.said("Offset out of range")).toBe(0);
  expect(await agent.metric("tailgate_kafka_source_anew_total")).toBe(1);
}, 120_000);

test("records that the topic deleted before they were read are counted and said", async () => {
  await make("outrun-in");
  await using agent = await copier("outrun");
  const values = series("a", 50);
  await produce(broker.address, "outrun-in", values);
  await copied("outrun", values);
  await agent.stop();
  await produce(broker.address, "outrun-in", series("lost", 100));
  await admin(async (own) => {
    // kafkajs asks for the topic's leaders only then.
    await own.fetchTopicOffsets("outrun-in");
    await own.deleteTopicRecords({ topic: "outrun-in", partitions: [{ partition: 0, offset: "150" }] });
  });
  const after = series("after", 30);
  await produce(broker.address, "outrun-in", after);
  await agent.restart();
  await copied("outrun", [...values, ...after]);
  expect(await agent.metric("tailgate_kafka_source_outrun_total")).toBe(100);
  expect(agent.log).toMatch(/kafka_source_outrun|has deleted records before they were read/);
}, 120_000);
