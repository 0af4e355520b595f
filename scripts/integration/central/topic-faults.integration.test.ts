/** Topics that change under several readers, beside others, and while nothing can be stored, with a real broker. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { TestProducer } from "../../../central/testing/producer.ts";
import { until } from "../../../shared/testing/until.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, deleteTopic, topicNames, topicRecords } from "../../drivers/kafka/topic.ts";
import { centralGround, freshTopic } from "./ground.ts";

let broker: Broker;

beforeAll(async () => {
  // Topics are made by whoever asks for them, as Kafka does when nobody tells it otherwise.
  const properties = { "log.cleaner.backoff.ms": 200, "auto.create.topics.enable": true };
  broker = await startBroker({ properties });
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

async function makeAnew(topic: string, partitions: number): Promise<void> {
  await deleteTopic(broker.internalAddress, topic);
  await until("the topic to be made again", async () => {
    await createTopic(broker.internalAddress, topic, { partitions });
    return true;
  });
}

const produce = (topic: string, partitions: number, agent: string) =>
  TestProducer.connect(broker.address, topic, partitions, agent);

test("two instances on one store, their topic made anew: one gap a partition, everything stored", async () => {
  await using on = await centralGround(broker);
  await using first = await on.start();
  await using second = await on.start();
  await on.producer.send(4_000);
  await first.stored(4_000);
  await makeAnew(on.topic, 4);
  await using other = await produce(on.topic, 4, "gw2");
  await other.send(6_000);
  await first.stored(10_000, 45_000);
  await until(
    "nothing to be left",
    () => second.status(),
    // Its sums are up to 250 ms older than its lag.
    ({ lag, gaps, stored }) => lag === 0 && gaps === 4 && stored >= 10_000,
  );
  expect(await second.status()).toMatchObject({ stored: 10_000, missing: 0, conflicts: 0, gaps: 4 });
}, 90_000);

test("made anew while the store is locked, with an arrival of the old one in hand: both are stored", async () => {
  await using on = await centralGround(broker, 1);
  await on.producer.send(100);
  await using central = await on.start();
  await central.stored(100);
  const other = new Database(on.store);
  other.exec("begin immediate");
  await on.producer.send(50);
  await until(
    "the store to be away",
    () => central.status(),
    ({ storeAvailable }) => !storeAvailable,
  );
  await makeAnew(on.topic, 1);
  await using second = await produce(on.topic, 1, "gw2");
  for (const count of [100, 50, 70]) await second.send(count); // a batch begins where the old topic ended
  other.exec("rollback");
  other.close();
  expect(await central.stored(370, 45_000)).toMatchObject({ stored: 370, missing: 0, conflicts: 0, gaps: 1 });
}, 90_000);

test("one topic of two is deleted, and made anew later: the other one goes on meanwhile", async () => {
  await using on = await centralGround(broker, 1);
  const neighbour = freshTopic();
  await createTopic(broker.internalAddress, neighbour);
  await using beside = await produce(neighbour, 1, "gw3");
  const { topic, store } = on;
  await using central = await launchCentral({
    brokers: broker.address,
    topics: [topic, neighbour],
    group: topic,
    store,
  });
  await on.producer.send(100);
  await beside.send(100);
  await central.stored(200);
  await deleteTopic(broker.internalAddress, topic);
  await beside.send(100);
  await central.stored(300);
  expect(await central.status()).toMatchObject({ missingTopics: [topic] });
  await createTopic(broker.internalAddress, topic);
  await using again = await produce(topic, 1, "gw2");
  await again.send(500);
  expect(await central.stored(800, 45_000)).toMatchObject({ stored: 800, missing: 0, conflicts: 0, gaps: 1 });
}, 120_000);

test("a topic that is deleted stays deleted: central makes none by asking for it", async () => {
  await using on = await centralGround(broker, 3);
  await using central = await on.start();
  await on.producer.send(300);
  await central.stored(300);
  await deleteTopic(broker.internalAddress, on.topic);
  const wanted = freshTopic();
  await using early = await launchCentral({
    brokers: broker.address,
    topics: [wanted],
    group: wanted,
    store: on.dir.file("early.db"),
  });
  await until("to be up", () => early.get("/api/v1/openapi.json"));
  await Bun.sleep(8_000); // some looks of both
  const topics = await topicNames(broker.internalAddress);
  expect(topics).not.toContain(on.topic);
  expect(topics).not.toContain(wanted);
  await createTopic(broker.internalAddress, on.topic, { partitions: 3 });
  await using again = await produce(on.topic, 3, "gw2");
  await again.send(300);
  expect(await central.stored(600, 45_000)).toMatchObject({ stored: 600, missing: 0, conflicts: 0, gaps: 3 });
}, 90_000);

test("compaction takes the last stored record: the same topic, which goes on without a gap or a repeat", async () => {
  const topic = freshTopic();
  const config = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.001",
    "segment.ms": "500",
    "max.compaction.lag.ms": "1000",
  };
  await createTopic(broker.internalAddress, topic, { config });
  await using on = await centralGround(broker, 1);
  await using producer = await produce(topic, 1, "gw1");
  const options = { brokers: broker.address, topics: [topic], group: topic, store: on.store };
  {
    await using first = await launchCentral(options);
    await producer.send(105);
    await first.stored(105);
    await first.child.stop();
  }
  await until(
    "the record at 104 to be gone",
    async () => {
      await producer.send(10);
      return (await topicRecords(broker.internalAddress, topic)).map(({ offset }) => offset);
    },
    (offsets) => !offsets.includes(104),
    { withinMs: 40_000, everyMs: 700 },
  );
  await using second = await launchCentral(options);
  await until(
    "nothing to be left",
    () => second.status(),
    ({ lag, stored }) => lag === 0 && stored > 105,
  );
  expect(await second.status()).toMatchObject({ gaps: 0, repeated: 0, conflicts: 0 });
  expect(second.log).not.toContain("topic_unproved");
}, 120_000);
