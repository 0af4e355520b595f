/** The consumer by itself, with a real broker and records of every codec that real producers write. */
import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KafkaConsumer } from "../../../central/consumer/kafka/consumer.ts";
import { protocolOf } from "../../../central/consumer/kafka/store-protocol.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { createKafka } from "../../../shared/kafka/connection/client.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { type Report, silent } from "../../../shared/telemetry/log.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { Collector } from "./collector.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

function consumer(topic: string, store = "one", report: Report = silent): KafkaConsumer {
  return new KafkaConsumer({
    connection: { brokers: [broker.address], clientId: "test" },
    topics: { names: [topic], pattern: undefined, text: topic },
    groupId: topic,
    protocol: () => protocolOf(store),
    sessionTimeoutMs: 6_000,
    heartbeatMs: 1_000,
    fetchBytesPerPartition: 256 * 1024,
    report,
    clock: systemClock,
    random: seededRandom(1),
  });
}

/** Writes lines with kcat (librdkafka): another producer than any of ours. */
async function kcat(topic: string, lines: readonly string[], codec: string): Promise<void> {
  using dir = tempDir();
  writeFileSync(dir.file("lines"), `${lines.join("\n")}\n`);
  const command = ["kcat", "-P", "-b", broker.address, "-t", topic, "-p", "0", "-z", codec, "-l", dir.file("lines")];
  await using child = startChild({ command });
  expect((await child.exited).code).toBe(0);
}

const manyLines = (count: number, word: string) =>
  Array.from({ length: count }, (_, index) => `${word} ${index} ${"abc".repeat(index % 50)}`);

describe("the Kafka consumer", () => {
  test.each(["none", "gzip", "snappy", "lz4", "zstd"])("reads what librdkafka writes with codec %s", async (codec) => {
    const topic = `codec-${codec}`;
    await createTopic(broker.internalAddress, topic);
    const lines = manyLines(3_000, codec);
    await kcat(topic, lines, codec);
    const collector = new Collector();
    const reading = consumer(topic);
    reading.start(collector);
    await until(
      "all lines",
      () => collector.lines.length,
      (count) => count >= lines.length,
    );
    await reading.stop();
    expect(collector.lines).toEqual(lines);
  });

  test("reads from where the handler says, whatever the group has committed, and again from where it seeks", async () => {
    const topic = "seeking";
    await createTopic(broker.internalAddress, topic);
    const lines = manyLines(1_000, "line");
    await kcat(topic, lines, "none");
    const first = new Collector();
    const reading = consumer(topic);
    reading.start(first);
    await until(
      "all lines",
      () => first.lines.length,
      (count) => count >= 1_000,
    );
    await reading.stop();

    const second = new Collector();
    second.start = 0;
    let sought = false;
    second.answer = () => {
      if (sought) return { kind: "done" };
      sought = true;
      return { kind: "seek", start: 990 };
    };
    const again = consumer(topic);
    again.start(second);
    await until(
      "the last lines",
      () => second.lines.length,
      (count) => count > 0,
    );
    await again.stop();
    // The broker answers with whole batches: the handler leaves out what it has.
    expect(second.lines.at(-1)).toBe(lines.at(-1));
    expect(second.arrivals[0]?.nextOffset).toBe(1_000);
  });

  test("steps over a batch that lies damaged on the broker's disk, and says which offsets", async () => {
    const topic = "damaged";
    await createTopic(broker.internalAddress, topic);
    for (const word of ["good", "evil", "after"]) await kcat(topic, [`${word} line`], "none");
    await broker.stop();
    const folder = join(broker.dataDir, "logs", `${topic}-0`);
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".log"))) {
      const bytes = readFileSync(join(folder, name));
      const at = bytes.indexOf("evil");
      if (at < 0) continue;
      bytes.write("EVIL", at);
      writeFileSync(join(folder, name), bytes);
    }
    await broker.start();
    const collector = new Collector();
    const reading = consumer(topic);
    reading.start(collector);
    await until(
      "the line behind",
      () => collector.lines,
      (lines) => lines.includes("after line"),
      { withinMs: 30_000 },
    );
    await reading.stop();
    expect(collector.lines).toEqual(["good line", "after line"]);
    expect(collector.arrivals.flatMap(({ damaged }) => damaged)).toMatchObject([{ firstOffset: 1, lastOffset: 1 }]);
  }, 60_000);

  test("reads small messages of format 1 that lie in the broker's log since before Kafka 0.11", async () => {
    const topic = "old-format";
    await createTopic(broker.internalAddress, topic);
    await broker.stop();
    const folder = join(broker.dataDir, "logs", `${topic}-0`);
    const log = readdirSync(folder).find((file) => file.endsWith(".log")) ?? "";
    const values = ["a", "b", "a line of some length, as logs have them, more than a header's 61 bytes"];
    writeFileSync(join(folder, log), Buffer.concat(values.map((value, offset) => formatOne(offset, value))));
    await broker.start();
    await kcat(topic, ["new"], "none");
    const collector = new Collector();
    const reading = consumer(topic);
    reading.start(collector);
    await until(
      "all lines",
      () => collector.lines,
      (lines) => lines.length === 4,
    );
    await reading.stop();
    expect(collector.lines).toEqual([...values, "new"]);
  }, 60_000);

  test("two members share the partitions; when one stops the other has them all within seconds", async () => {
    const topic = "shared";
    await createTopic(broker.internalAddress, topic, { partitions: 4 });
    const [a, b] = [consumer(topic), consumer(topic)];
    const [first, second] = [new Collector(), new Collector()];
    a.start(first);
    b.start(second);
    const held = () => [a.state().partitions.length, b.state().partitions.length];
    await until("each to have two", held, ([mine, yours]) => mine === 2 && yours === 2, { withinMs: 20_000 });
    await a.stop();
    await until("one to have four", held, ([, yours]) => yours === 4, { withinMs: 30_000 });
    await b.stop();
  }, 60_000);

  test("a member with another store is turned away and says so, shows the partitions that it lacks, and takes over", async () => {
    const topic = "two-stores";
    await createTopic(broker.internalAddress, topic, { partitions: 2 });
    await kcat(topic, manyLines(10, "line"), "none");
    const said: string[] = [];
    const report: Report = ({ name }) => said.push(name);
    const [first, second] = [consumer(topic, "one"), consumer(topic, "two", report)];
    const collected = new Collector();
    first.start(new Collector());
    await until(
      "the first to have both",
      () => first.state().partitions.length,
      (count) => count === 2,
    );
    second.start(collected);
    await until(
      "the second to be refused",
      () => second.state(),
      ({ groupRefused, others }) => groupRefused && others.length > 0,
    );
    expect(said).toContain("group_refused");
    expect(second.state()).toMatchObject({ partitions: [], connected: true });
    expect(second.state().others).toMatchObject([
      { partition: 0, reader: "stranger", highWatermark: 10, logStartOffset: 0 },
      { partition: 1, reader: "stranger", highWatermark: 0 },
    ]);
    // It keeps asking, a few seconds apart, not in a busy loop.
    expect(said.filter((name) => name === "consumer_restarted")).toEqual([]);
    expect(first.state().partitions).toHaveLength(2);
    await first.stop();
    await until(
      "the second to have both",
      () => second.state(),
      ({ partitions, groupRefused }) => partitions.length === 2 && !groupRefused,
    );
    await until(
      "the lines",
      () => collected.lines.length,
      (count) => count === 10,
    );
    await second.stop();
  }, 60_000);

  test("any other program in the group, with another protocol, is the same", async () => {
    const topic = "foreign-member";
    await createTopic(broker.internalAddress, topic);
    const foreign = createKafka({ brokers: [broker.address], clientId: "foreign", report: silent, component: "test" });
    const member = foreign.consumer({ groupId: topic });
    await member.connect();
    await member.subscribe({ topics: [topic] });
    const joined = Promise.withResolvers<void>();
    member.on(member.events.GROUP_JOIN, () => joined.resolve());
    await member.run({ eachMessage: async () => {} });
    await joined.promise;
    const reading = consumer(topic);
    reading.start(new Collector());
    await until(
      "to be refused",
      () => reading.state(),
      ({ groupRefused }) => groupRefused,
    );
    await until(
      "the stranger to be shown",
      () => reading.state().others,
      ([other]) => other?.reader === "stranger",
    );
    await reading.stop();
    await member.disconnect();
  }, 60_000);

  test("what an open transaction holds back is told apart from what can be read", async () => {
    const topic = "open-transaction";
    await createTopic(broker.internalAddress, topic);
    await kcat(topic, manyLines(10, "before"), "none");
    const producer = createKafka({
      brokers: [broker.address],
      clientId: "t",
      report: silent,
      component: "test",
    }).producer({ transactionalId: "open", maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: "held back" }] });
    await kcat(topic, manyLines(20, "after"), "none");
    const collector = new Collector();
    const reading = consumer(topic);
    reading.start(collector);
    await until(
      "the lines before it",
      () => collector.lines.length,
      (count) => count >= 10,
    );
    const ends = () => reading.state().partitions[0];
    await until("both ends", ends, (state) => state?.endOffset === 31);
    expect(ends()).toMatchObject({ highWatermark: 10, endOffset: 31, stalledForMs: 0 });
    expect(collector.lines).toHaveLength(10);
    await transaction.commit();
    await until(
      "the rest",
      () => collector.lines.length,
      (count) => count === 31,
    );
    await until("nothing to wait for", ends, (state) => state?.highWatermark === state?.endOffset);
    // The transaction's record at 10, twenty lines, the marker of its commit.
    expect(collector.arrivals.flatMap(({ hidden }) => hidden)).toEqual([{ firstOffset: 31, lastOffset: 31 }]);
    await reading.stop();
    await producer.disconnect();
  }, 60_000);

  test("a member that waits for its store, and one without partitions, are connected all the while", async () => {
    const topic = "waiting-members";
    await createTopic(broker.internalAddress, topic);
    await kcat(topic, ["line"], "none");
    const waiting = new Collector();
    const stored = Promise.withResolvers<void>();
    const [a, b] = [consumer(topic), consumer(topic)];
    a.start({
      assigned: () => waiting.assigned({ topic, partition: 0 }),
      deliver: async (arrival, { heartbeat, signal }) => {
        const untilMs = performance.now() + 12_000;
        while (performance.now() < untilMs && !signal.aborted) {
          await Bun.sleep(250);
          await heartbeat();
        }
        stored.resolve();
        return await waiting.deliver(arrival);
      },
    });
    await until(
      "the first to be connected",
      () => a.state(),
      ({ connected, partitions }) => connected && partitions.length === 1,
    );
    const seen: boolean[] = [];
    const look = setInterval(() => seen.push(a.state().connected), 200);
    await stored.promise;
    clearInterval(look);
    expect(seen.length).toBeGreaterThan(40);
    expect(seen).not.toContain(false);

    b.start(new Collector());
    await until(
      "one of two to have nothing",
      () => [a.state(), b.state()],
      (states) => states.every(({ rebalances }) => rebalances > 0) && states[1]?.connected === true,
      { withinMs: 30_000 },
    );
    const both: boolean[] = [];
    for (let times = 0; times < 40; times++) {
      await Bun.sleep(200);
      both.push(a.state().connected && b.state().connected);
    }
    expect(a.state().partitions.length + b.state().partitions.length).toBe(1);
    expect(both).not.toContain(false);
    const idle = a.state().partitions.length === 0 ? a : b;
    await until(
      "the other one to be known as a sibling",
      () => idle.state().others,
      ([other]) => other?.reader === "sibling",
    );
    await Promise.all([a.stop(), b.stop()]);
  }, 90_000);

  test("a clock that is set back an hour costs no membership, and new partitions are still found", async () => {
    const topic = "clock";
    await createTopic(broker.internalAddress, topic);
    const reading = consumer(topic);
    reading.start(new Collector());
    await until(
      "the partition",
      () => reading.state().partitions.length,
      (count) => count === 1,
    );
    try {
      setSystemTime(new Date(systemClock.now() - 3_600_000));
      await Bun.sleep(12_000); // twice the session
      expect(reading.state()).toMatchObject({ rebalances: 1, connected: true });
      await addPartitions(topic, 2);
      await until(
        "the new partition",
        () => reading.state().partitions.length,
        (count) => count === 2,
        { withinMs: 25_000 },
      );
    } finally {
      setSystemTime();
      await reading.stop();
    }
  }, 90_000);
});

async function addPartitions(topic: string, count: number): Promise<void> {
  const admin = createKafka({
    brokers: [broker.address],
    clientId: "admin",
    report: silent,
    component: "test",
  }).admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic, count }] });
  await admin.disconnect();
}

/** A message of magic 1, without a key (Kafka 0.10's protocol guide, "Message sets"). */
function formatOne(offset: number, value: string): Buffer {
  const covered = Buffer.alloc(18 + value.length);
  covered.writeInt8(1, 0);
  covered.writeBigInt64BE(1_760_000_000_000n, 2);
  covered.writeInt32BE(-1, 10);
  covered.writeInt32BE(value.length, 14);
  covered.write(value, 18);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(BigInt(offset));
  head.writeInt32BE(covered.length + 4, 8);
  head.writeUInt32BE(Bun.hash.crc32(covered), 12);
  return Buffer.concat([head, covered]);
}
