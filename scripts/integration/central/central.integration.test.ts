/** Central as it is deployed, with a real broker: killed, frozen, starved, and lied to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { Kafka, logLevel } from "kafkajs";
import { TestProducer } from "../../../central/testing/producer.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, deleteTopic, growTopic, topicCount } from "../../drivers/kafka/topic.ts";

let broker: Broker;
let number = 0;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

/** A topic, a producer, a place for the store: each test has its own. */
async function ground(partitions = 4) {
  const topic = `drive-${++number}`;
  await createTopic(broker.internalAddress, topic, { partitions });
  const producer = await TestProducer.connect(broker.address, topic, partitions);
  const dir = tempDir("tailgate-central-");
  const store = dir.file("central.db");
  const start = (environment: Record<string, string> = {}) =>
    launchCentral({ brokers: broker.address, topics: [topic], group: topic, store, environment });
  return {
    topic,
    producer,
    dir,
    store,
    start,
    [Symbol.asyncDispose]: async () => {
      await producer[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

const clean = { missing: 0, repeated: 0, conflicts: 0, deadLettered: 0, gaps: 0 };

describe("central with a real broker", () => {
  test("stores each record once, in order, and balances its books", async () => {
    await using on = await ground();
    await on.producer.send(20_000);
    await using central = await on.start();
    expect(await central.stored(20_000)).toMatchObject({ stored: 20_000, ...clean });
    const body = await central.get("/api/v1/events?vehicle=car-4&limit=10000");
    const events = Array.isArray(body.events) ? body.events : [];
    expect(events.length).toBe(2_000);
    const seqs = events.filter((event) => event.identity.lane === 0).map((event) => event.identity.seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    await until(
      "lag to be zero",
      () => central.status(),
      ({ lag }) => lag === 0,
    );
    await central.child.stop();
    expect(storeSums(on.store)).toEqual({ events: 20_000, counted: 20_000, received: 20_000 });
  }, 60_000);

  test("killed with -9 and started again: the first row within 10 s, none lost, none twice", async () => {
    await using on = await ground();
    await on.producer.send(5_000);
    await using first = await on.start();
    await first.stored(5_000);
    await first.child.kill();
    const sent = await on.producer.send(5_000);
    const began = performance.now();
    await using second = await on.start();
    await second.stored(5_001, 10_000);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await second.stored(sent)).toMatchObject({ stored: sent, ...clean });
    await second.child.stop();
    expect(storeSums(on.store)).toEqual({ events: sent, counted: sent, received: sent });
  }, 60_000);

  test("killed with -9 at random moments under load: none lost, none twice", async () => {
    await using on = await ground();
    const random = seededRandom(7);
    let sent = 0;
    const session = { TAILGATE_SESSION_TIMEOUT: "6s" };
    for (let round = 0; round < 4; round++) {
      const pushing = on.producer.send(20_000);
      await using central = await on.start(session);
      await until("central to be up", () => central.get("/livez").catch(() => true));
      // Anywhere between joining the group and having stored it all.
      await Bun.sleep(random.next() * 8_000);
      await central.child.kill();
      sent = await pushing;
    }
    await using last = await on.start();
    expect(await last.stored(sent, 60_000)).toMatchObject({ stored: sent, ...clean });
    await last.child.stop();
    expect(storeSums(on.store)).toEqual({ events: sent, counted: sent, received: sent });
  }, 120_000);

  test("SIGTERM ends it with 0 and leaves the group: the next one has the partitions at once", async () => {
    await using on = await ground();
    await on.producer.send(1_000);
    await using first = await on.start();
    await first.stored(1_000);
    const exit = await first.child.stop();
    expect(exit).toMatchObject({ code: 0 });
    await on.producer.send(1_000);
    const began = performance.now();
    await using second = await on.start();
    await second.stored(2_000, 10_000);
    expect(performance.now() - began).toBeLessThan(4_000);
  }, 60_000);

  test("the store is locked for a while: it says so, keeps its membership, and goes on within a second", async () => {
    await using on = await ground();
    await on.producer.send(1_000);
    await using central = await on.start();
    await central.stored(1_000);
    const other = new Database(on.store);
    other.exec("begin immediate");
    await on.producer.send(1_000);
    await until(
      "the store to be away",
      () => central.status(),
      ({ storeAvailable }) => !storeAvailable,
    );
    // Longer than the group's session.
    await Bun.sleep(8_000);
    expect((await fetch(`${central.url}/readyz`)).status).toBe(503);
    other.exec("rollback");
    other.close();
    const began = performance.now();
    await central.stored(1_001, 5_000);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await central.stored(2_000)).toMatchObject({ stored: 2_000, ...clean });
    expect(Number((await central.get("/api/v1/lag")).rebalances)).toBe(1);
  }, 60_000);

  test("two instances, one frozen past its session and continued: nothing twice, nothing lost", async () => {
    await using on = await ground();
    await using first = await on.start();
    await using second = await on.start();
    await on.producer.send(2_000);
    await second.stored(2_000);
    first.child.freeze();
    const pushing = on.producer.send(30_000);
    // The frozen one may hold the file's lock in the middle of a transaction: the other waits, and loses nothing.
    await Bun.sleep(9_000);
    first.child.thaw();
    const sent = await pushing;
    expect(await second.stored(sent)).toMatchObject({ stored: sent, ...clean });
    await on.producer.send(4_000);
    expect(await second.stored(sent + 4_000)).toMatchObject({ stored: sent + 4_000, ...clean });
    await first.child.stop();
    await second.child.stop();
    expect(storeSums(on.store)).toEqual({ events: sent + 4_000, counted: sent + 4_000, received: sent + 4_000 });
  }, 90_000);

  test("the topic is deleted and made anew, and has grown past the position: a gap, an alert, everything stored", async () => {
    await using on = await ground(1);
    await on.producer.send(100);
    await using first = await on.start();
    await first.stored(100);
    await first.child.stop();
    await deleteTopic(broker.internalAddress, on.topic);
    await until("the topic to be made again", async () => {
      await createTopic(broker.internalAddress, on.topic, { partitions: 1 });
      return true;
    });
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
      await deleteTopic(broker.internalAddress, on.topic);
      await until("the topic to be made again", async () => {
        await createTopic(broker.internalAddress, on.topic, { partitions: 1 });
        return true;
      });
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
    await deleteTopic(broker.internalAddress, on.topic);
    await until("the topic to be made again", async () => {
      await createTopic(broker.internalAddress, on.topic, { partitions: 1 });
      return true;
    });
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
    await deleteTopic(broker.internalAddress, on.topic);
    await until("the topic to be made again", async () => {
      await createTopic(broker.internalAddress, on.topic, { partitions: 1 });
      return true;
    });
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
    const kafka = new Kafka({ brokers: [broker.internalAddress], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.fetchTopicOffsets(on.topic); // kafkajs deletes only where it has looked before
    await admin.deleteTopicRecords({ topic: on.topic, partitions: [{ partition: 0, offset: "250" }] });
    await admin.disconnect();
    await using second = await on.start();
    // The log begins in the middle of a batch, which comes whole: only what is not in hand is lost.
    expect(await second.stored(200)).toMatchObject({ stored: 200, missing: 100, repeated: 0, gaps: 1 });
    const gaps = (await second.get("/api/v1/gaps")).gaps;
    expect(gaps).toMatchObject([{ kind: "retention", firstOffset: 100, lastOffset: 199 }]);
  }, 60_000);

  test("the broker is killed with -9 and comes back: it goes on by itself", async () => {
    await using on = await ground();
    await on.producer.send(1_000);
    await using central = await on.start();
    await central.stored(1_000);
    await broker.restart("kill");
    await on.producer.send(1_000);
    // The test's producer is not idempotent: what it sent again after the lost answers is in the topic twice.
    await until(
      "lag to be zero",
      () => central.status(),
      ({ stored, lag }) => stored === 2_000 && lag === 0,
    );
    const twice = (await topicCount(broker.internalAddress, on.topic)) - 2_000;
    expect(await central.status()).toMatchObject({ stored: 2_000, ...clean, repeated: twice });
  }, 90_000);

  test("the topic comes into being after central, and grows under it", async () => {
    const topic = `drive-${++number}`;
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
    const twice = (await topicCount(broker.internalAddress, topic)) - 700;
    expect(await central.status()).toMatchObject({ stored: 700, ...clean, repeated: twice });
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

  test("refuses a file that is no store without losing anything, and goes on with a new one", async () => {
    await using on = await ground();
    await on.producer.send(100);
    const letter = `this is no database, it is a letter to whoever comes after ${"x".repeat(10_000)}`;
    await Bun.write(on.store, letter);
    {
      await using central = await on.start();
      expect((await central.child.exited).code).toBe(2);
      expect(central.child.tail()).toContain("it is no database");
    }
    expect(await Bun.file(on.store).text()).toBe(letter);
    await Bun.file(on.store).delete();
    await using central = await on.start();
    expect(await central.stored(100)).toMatchObject({ stored: 100, ...clean });
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
