/** The consumer by itself, with a real broker and records of every codec that real producers write. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConsumerHandler, Delivery, Outcome, Start } from "../../../central/consumer/consumer.ts";
import { KafkaConsumer } from "../../../central/consumer/kafka/consumer.ts";
import { plainRecord } from "../../../central/records/record-block.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

/** Keeps what is delivered. */
class Collector implements ConsumerHandler {
  readonly lines: string[] = [];
  readonly deliveries: Delivery[] = [];
  readonly assignments: string[] = [];
  start: Start = "earliest";
  answer: (delivery: Delivery) => Outcome = () => ({ kind: "done" });

  async assigned({ topic, partition }: { topic: string; partition: number }): Promise<Start> {
    this.assignments.push(`${topic}-${partition}`);
    return this.start;
  }

  async deliver(delivery: Delivery): Promise<Outcome> {
    const outcome = this.answer(delivery);
    if (outcome.kind === "seek") return outcome;
    this.deliveries.push(delivery);
    for (const block of delivery.blocks) {
      for (let index = 0; index < block.count; index++)
        this.lines.push(plainRecord(block, index).value?.toString() ?? "");
    }
    return outcome;
  }
}

function consumer(topic: string): KafkaConsumer {
  return new KafkaConsumer({
    connection: { brokers: [broker.address], clientId: "test" },
    topics: { names: [topic], pattern: undefined, text: topic },
    groupId: topic,
    sessionTimeoutMs: 6_000,
    heartbeatMs: 1_000,
    fetchBytesPerPartition: 256 * 1024,
    report: silent,
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
    expect(second.deliveries[0]?.nextOffset).toBe(1_000);
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
    expect(collector.deliveries.flatMap(({ damaged }) => damaged)).toMatchObject([{ firstOffset: 1, lastOffset: 1 }]);
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
    await until("one to have four", held, ([, yours]) => yours === 4, { withinMs: 5_000 });
    await b.stop();
  }, 60_000);
});
