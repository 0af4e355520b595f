/** The topic of a kafka channel is deleted and made again while sinks take from it, after a start that knew the one before. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, deleteTopic, topicNames, topicRecords } from "../../drivers/kafka/topic.ts";
import { Copier, produce, series } from "./sources/kafka-source-agent.ts";

const dir = tempDir();
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 90_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

async function makeAgain(topic: string): Promise<void> {
  const address = broker.internalAddress;
  await deleteTopic(address, topic);
  await until(
    `${topic} to be gone`,
    () => topicNames(address),
    (names) => !names.includes(topic),
  );
  await createTopic(address, topic);
}

async function taken(values: readonly string[]): Promise<void> {
  const seen = async () =>
    (await topicRecords(broker.internalAddress, "taken")).map(({ value }) => String(value)).toSorted();
  const within = { withinMs: 45_000, everyMs: 300 };
  const got = await until("all to be taken", seen, ({ length }) => length >= values.length, within);
  expect(got).toEqual(values.toSorted());
}

test("a topic of the same name is taken from its beginning, however long it is", async () => {
  for (const topic of ["store", "taken"]) await createTopic(broker.internalAddress, topic);
  const brokers = [broker.address];
  const reading = { parseAsFlumeEvent: false, sessionTimeout: "6s", commitInterval: "200ms" };
  await using agent = await Copier.startFlow(dir.path, "taker", {
    sources: {},
    channels: { main: { type: "kafka", brokers, topic: "store", ...reading } },
    sinks: { out: { type: "kafka", channel: "main", brokers, topic: "taken", partition: "agent" } },
  });
  const values = series("first", 500);
  await produce(broker.address, "store", values);
  await taken(values);
  await agent.stop();
  await agent.restart();
  for (const round of ["second", "third"]) {
    await makeAgain("store");
    const more = series(round, 1_500);
    await produce(broker.address, "store", more);
    values.push(...more);
    await taken(values);
  }
  expect(agent.said("The topic is another one of the same name")).toBe(2);
}, 240_000);
