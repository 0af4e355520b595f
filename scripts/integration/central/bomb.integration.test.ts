/** Central and a real broker that holds what decompresses to far more than it is. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CompressionTypes } from "kafkajs";
import { TestProducer } from "../../../central/testing/producer.ts";
import { createKafka } from "../../../shared/kafka/connection/client.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

const topic = "bombed";
const bombBytes = 200 * 1024 * 1024;
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

test("a batch of a few KiB that holds 200 MiB goes to the dead letters, and what is behind it is stored", async () => {
  using dir = tempDir("tailgate-central-");
  await createTopic(broker.internalAddress, topic, { partitions: 1 });
  await using producer = await TestProducer.connect(broker.address, topic, 1);
  await producer.send(100);
  const kafka = createKafka({ brokers: [broker.address], clientId: "bomber", report: silent, component: "test" });
  const bomber = kafka.producer();
  await bomber.connect();
  const messages = [{ key: "car-0", value: Buffer.alloc(bombBytes) }];
  await bomber.send({ topic, messages, compression: CompressionTypes.ZSTD });
  await bomber.disconnect();
  await producer.send(100);
  const options = { brokers: broker.address, topics: [topic], group: topic, store: dir.file("central.db") };
  await using central = await launchCentral(options);
  expect(await central.stored(200)).toMatchObject({ stored: 200, missing: 0, repeated: 0, deadLettered: 1 });
  const { deadLetters } = await central.get("/api/v1/dead-letters");
  expect(JSON.stringify(deadLetters)).toContain("hold more than 67108864 bytes");
}, 60_000);
