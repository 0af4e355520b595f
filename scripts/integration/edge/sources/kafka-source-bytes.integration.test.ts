/** From Kafka to Kafka nothing of a record is altered: keys and headers of any bytes, several headers of a name, a deleted key. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKafka } from "../../../../shared/kafka/connection/client.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../../drivers/kafka/broker.ts";
import { createTopic, topicCount, topicRecords } from "../../../drivers/kafka/topic.ts";
import { Copier } from "./kafka-source-agent.ts";

const dir = tempDir();
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 90_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

type Headers = Readonly<Record<string, unknown>>;

/** The headers of all records of a topic, in order, as kafkajs has them. */
async function headersIn(topic: string, count: number): Promise<readonly Headers[]> {
  const kafka = createKafka({ brokers: [broker.address], clientId: "test", report: silent, component: "test" });
  const consumer = kafka.consumer({ groupId: `reads-${topic}` });
  const found: Headers[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void found.push(message.headers ?? {}) });
  await until(
    "all headers",
    () => found.length,
    (seen) => seen >= count,
    { withinMs: 30_000 },
  );
  await consumer.disconnect();
  return found;
}

test("keys and headers of any bytes, several headers of a name and records without a value are copied as they are", async () => {
  for (const topic of ["bytes", "bytes-copy"]) await createTopic(broker.internalAddress, topic);
  const kafka = createKafka({ brokers: [broker.address], clientId: "test", report: silent, component: "test" });
  const producer = kafka.producer();
  await producer.connect();
  const keys = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte, 0x80, byte]));
  const messages = keys.map((key, index) => ({
    key,
    value: index % 5 === 0 ? null : Buffer.from([index, 255]),
    headers: { bin: Buffer.from([255, index, 0xe2, 0x82]), dup: ["a", Buffer.from([index]), "a"] },
  }));
  await producer.send({ topic: "bytes", messages: [...messages, { key: null, value: "" }] });
  await producer.disconnect();
  await using agent = await Copier.start({
    folder: dir.path,
    name: "bytes",
    brokers: [broker.address],
    source: { topics: ["bytes"] },
    topic: "bytes-copy",
  });
  const count = () => topicCount(broker.internalAddress, "bytes-copy");
  await until("all to be copied", count, (seen) => seen >= 257, { withinMs: 30_000, everyMs: 200 });
  const parts = async (topic: string) =>
    (await topicRecords(broker.internalAddress, topic)).map(({ key, value }) => [
      key?.toString("hex"),
      value === null ? "none" : value.toString("hex"),
    ]);
  expect(await parts("bytes-copy")).toEqual(await parts("bytes"));
  const own = ({ bin, dup }: Headers) => ({ bin, dup });
  const [before, after] = [await headersIn("bytes", 257), await headersIn("bytes-copy", 257)];
  expect(after.map(own)).toEqual(before.map(own));
  expect(agent.log).not.toMatch(/kafka_source_(header|key)/);
}, 120_000);
