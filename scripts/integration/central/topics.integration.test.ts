/** Central and the lives of its topics, with a real broker: made late, made anew, outrun by retention, transactions. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { Kafka, logLevel } from "kafkajs";
import { TestProducer } from "../../../central/testing/producer.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, deleteTopic, growTopic, topicCount } from "../../drivers/kafka/topic.ts";
import { centralGround, clean, freshTopic } from "./ground.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

const ground = (partitions?: number) => centralGround(broker, partitions);

describe("central and its topics", () => {
  test("the topic is deleted and made anew, and has grown past the position: a gap, an alert, everything stored", async () => {
    await using on = await ground(1);
    await on.producer.send(100);
    await using first = await on.start();
    await first.stored(100);
    await first.child.stop();
    await makeAnew(on.topic);
    await using other = await TestProducer.connect(broker.address, on.topic, 1, "gw2");
    await other.send(500);
    await using second = await on.start();
    expect(await second.stored(600)).toMatchObject({ stored: 600, missing: 0, repeated: 0, gaps: 1 });
    const gaps = (await second.get("/api/v1/gaps")).gaps;
    expect(gaps).toMatchObject([{ topic: on.topic, partition: 0, kind: "recreated", firstOffset: 100 }]);
  }, 60_000);

  test.each([
    ["while it is stopped", false],
    ["while it runs", true],
  ] as const)(
    "made anew %s, with a transaction's marker at the known offset: every record of it is stored",
    async (_, runs) => {
      await using on = await ground(1);
      await on.producer.send(3);
      await using first = await on.start();
      await first.stored(3);
      if (!runs) await first.child.stop();
      await makeAnew(on.topic);
      // Offsets 0 and 1; the marker of the commit stands at 2, where the last stored record of the old topic stood.
      await transact(on.topic, ["commit"], 2);
      await until(
        "the marker to be written",
        () => topicCount(broker.internalAddress, on.topic),
        (count) => count === 3,
      );
      await using other = await TestProducer.connect(broker.address, on.topic, 1, "gw2");
      await other.send(50);
      await using second = runs ? undefined : await on.start();
      // What it reads on before it knows comes again, and the ledger has it.
      expect(await (second ?? first).stored(55, 45_000)).toMatchObject({ stored: 55, missing: 0, gaps: 1 });
    },
    90_000,
  );

  test("made anew and grown past the position between two of its looks: noticed by the topic's id, every record stored", async () => {
    await using on = await ground(1);
    await on.producer.send(100);
    await using central = await on.start({ TAILGATE_SESSION_TIMEOUT: "30s" });
    await central.stored(100);
    central.child.freeze();
    await Bun.sleep(1_000); // Its fetch is answered, with nothing: no error will tell it.
    await makeAnew(on.topic);
    await using other = await TestProducer.connect(broker.address, on.topic, 1, "gw2");
    await other.send(100); // A batch begins where the old one's last ended: what comes goes on as if nothing were.
    await other.send(400);
    central.child.thaw();
    const numbers = await central.stored(600, 45_000);
    expect(numbers).toMatchObject({ stored: 600, missing: 0, conflicts: 0, gaps: 1 });
    await central.child.stop();
    expect(storeSums(on.store)).toEqual({ events: 600, counted: 600, received: 600 });
  }, 90_000);

  test("the topic is made anew while it runs, and is shorter than the position", async () => {
    await using on = await ground(1);
    await on.producer.send(500);
    await using central = await on.start();
    await central.stored(500);
    await makeAnew(on.topic);
    await using other = await TestProducer.connect(broker.address, on.topic, 1, "gw2");
    await other.send(50);
    expect(await central.stored(550, 45_000)).toMatchObject({ stored: 550, missing: 0, repeated: 0, gaps: 1 });
  }, 90_000);

  test("retention outruns it: the offsets that are gone are a gap, and the ledger misses them", async () => {
    await using on = await ground(1);
    await on.producer.send(100);
    await using first = await on.start();
    await first.stored(100);
    await first.child.stop();
    await on.producer.send(100);
    await on.producer.send(100);
    await deleteRecords(on.topic, 250);
    await using second = await on.start();
    // The log begins in the middle of a batch, which comes whole: only what is not in hand is lost.
    expect(await second.stored(200)).toMatchObject({ stored: 200, missing: 100, repeated: 0, gaps: 1 });
    const gaps = (await second.get("/api/v1/gaps")).gaps;
    expect(gaps).toMatchObject([{ kind: "retention", firstOffset: 100, lastOffset: 199 }]);
  }, 60_000);

  test("retention outruns it on an idle topic: the gap is there without another record, while it waits for its store too", async () => {
    await using on = await ground(1);
    await on.producer.send(100);
    await using first = await on.start();
    await first.stored(100);
    await first.child.stop();
    await on.producer.send(100);
    await deleteRecords(on.topic, 200);
    await using second = await on.start();
    const gaps = async () => (await second.get("/api/v1/gaps")).gaps;
    const counted = (gapsCounted: number) =>
      until(
        `${gapsCounted} gaps`,
        () => second.status(),
        ({ gaps: found, lag }) => found === gapsCounted && lag === 0,
      );
    const wanted = { topic: on.topic, partition: 0, kind: "retention", firstOffset: 100, lastOffset: 199 };
    expect(await counted(1)).toMatchObject({ stored: 100 });
    expect(await gaps()).toMatchObject([wanted]);

    const other = new Database(on.store);
    other.exec("begin immediate");
    await on.producer.send(10); // in its hands, and not stored
    await until(
      "the store to be away",
      () => second.status(),
      ({ storeAvailable }) => !storeAvailable,
    );
    await on.producer.send(100);
    await deleteRecords(on.topic, 310);
    other.exec("rollback");
    other.close();
    expect(await counted(2)).toMatchObject({ stored: 110, repeated: 0 });
    expect(await gaps()).toMatchObject([wanted, { ...wanted, firstOffset: 210, lastOffset: 309 }]);
    await on.producer.send(10);
    expect(await second.stored(120)).toMatchObject({ stored: 120, missing: 200, repeated: 0, gaps: 2 });
  }, 90_000);

  test("the topic comes into being after central, and grows under it", async () => {
    const topic = freshTopic();
    using dir = tempDir("tailgate-central-");
    const options = { brokers: broker.address, topics: [topic], group: topic, store: dir.file("central.db") };
    await using central = await launchCentral(options);
    await until("central to be up", () => central.get("/api/v1/openapi.json"));
    await createTopic(broker.internalAddress, topic, { partitions: 2 });
    await using before = await TestProducer.connect(broker.address, topic, 2);
    await before.send(100);
    await central.stored(100);
    await growTopic(broker.internalAddress, topic, 6);
    await using after = await TestProducer.connect(broker.address, topic, 6, "gw2");
    await after.send(600);
    await until(
      "lag to be zero",
      () => central.status(),
      ({ stored, lag }) => stored === 700 && lag === 0,
      // New partitions are noticed with the next look at the metadata, every 10 s; then the group is joined again.
      { withinMs: 30_000 },
    );
    expect(await topicCount(broker.internalAddress, topic)).toBe(700);
    expect(await central.status()).toMatchObject({ stored: 700, ...clean });
  }, 60_000);

  test("a transaction that was rolled back is not stored, one that was committed is", async () => {
    await using on = await ground(1);
    await transact(on.topic, ["abort", "commit"], 1);
    await on.producer.send(10);
    await using central = await on.start();
    expect(await central.stored(11)).toMatchObject({ stored: 11, missing: 0 });
    const body = await central.get("/api/v1/events?vehicle=truck");
    expect(body.events).toMatchObject([{ value: "commit" }]);
    await until(
      "lag to be zero",
      () => central.status(),
      ({ lag }) => lag === 0,
    );
  }, 60_000);
});

/** Transactions that end so, each of so many records of the key `truck` without an identity; the value says the end. */
async function transact(topic: string, ends: readonly ("abort" | "commit")[], records: number): Promise<void> {
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  for (const end of ends) {
    const transaction = await producer.transaction();
    const messages = Array.from({ length: records }, () => ({ key: "truck", value: end }));
    await transaction.send({ topic, messages });
    await transaction[end]();
  }
  await producer.disconnect();
}

/** Moves the start of the topic's only log, as retention does. */
async function deleteRecords(topic: string, before: number): Promise<void> {
  const kafka = new Kafka({ brokers: [broker.internalAddress], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic); // kafkajs deletes only where it has looked before
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] });
  await admin.disconnect();
}

/** Deletes a topic of one partition and makes another one of its name. */
async function makeAnew(topic: string): Promise<void> {
  await deleteTopic(broker.internalAddress, topic);
  await until("the topic to be made again", async () => {
    await createTopic(broker.internalAddress, topic, { partitions: 1 });
    return true;
  });
}
