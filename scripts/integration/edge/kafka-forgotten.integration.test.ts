/** A real broker that forgets producers after ten seconds, and users with and without READ. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from "kafkajs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { RealWorld } from "./real-world.ts";

let broker: Broker;
beforeAll(async () => {
  broker = await startBroker({
    protocol: "SASL_PLAINTEXT",
    users: { writer: "w", reader: "r", stranger: "s" },
    properties: {
      "producer.id.expiration.ms": 10_000,
      "producer.id.expiration.check.interval.ms": 1_000,
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:ANONYMOUS",
    },
  });
  const admin = new Kafka({ brokers: [broker.internalAddress], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const allow = (principal: string, operation: AclOperationTypes) => ({
    principal: `User:${principal}`,
    operation,
    host: "*",
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: AclResourceTypes.TOPIC,
    resourceName: "*",
    resourcePatternType: ResourcePatternTypes.LITERAL,
  });
  await admin.createAcls({
    acl: [
      allow("writer", AclOperationTypes.WRITE),
      allow("reader", AclOperationTypes.WRITE),
      allow("reader", AclOperationTypes.READ),
    ],
  });
  await admin.disconnect();
}, 90_000);
afterAll(() => broker[Symbol.asyncDispose]());

async function world(topic: string, user: "writer" | "reader"): Promise<RealWorld> {
  await createTopic(broker.internalAddress, topic, { config: { "message.timestamp.type": "LogAppendTime" } });
  return new RealWorld(topic, {
    brokers: [broker.address],
    sasl: { mechanism: "scram-sha-512", username: user, password: user[0] ?? "" },
    producerIdExpiration: "10s",
  });
}

/** The answer to the third batch is lost, and then the broker forgets who sent it. */
async function forget(it: RealWorld): Promise<void> {
  for (const count of [3, 2, 4, 1]) it.put(count);
  await until(
    "two batches to be delivered",
    async () => (it.reader.heldCount > 2 ? await it.step() : "done"),
    (ended) => ended === "done",
  );
  it.loseAnswers = 1;
  expect(await it.step()).toBe("KAFKA_UNREACHABLE");
  expect(it.loseAnswers).toBe(0);
  using seeing = new RealWorld(it.topic, { brokers: [broker.internalAddress] });
  const [node] = (await seeing.link.topic(it.topic)).leaders;
  if (node === undefined) throw new Error("no leader");
  await until(
    "the broker to forget",
    async () => (await seeing.link.describeProducers(node, it.topic, 0)).producers?.length,
    (count) => count === 0,
    { withinMs: 30_000, everyMs: 200 },
  );
}

test("READ allowed: the log is read back, nothing is sent twice", async () => {
  using it = await world("look-up", "reader");
  await forget(it);
  expect(await it.drain()).toBe("idle");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
  expect(it.counted).toEqual({});
  expect(it.said).toContain("kafka_looked_up");
}, 60_000);

test("READ not allowed: sent again, and counted", async () => {
  using it = await world("counted", "writer");
  await forget(it);
  expect(await it.drain()).toBe("idle");
  const lines = (await it.inTopic(broker.internalAddress)).map(String);
  expect(lines).toEqual([...it.written.slice(0, 9), ...it.written.slice(5)].map(String));
  expect(it.counted).toEqual({ maybe_repeated: 4 });
}, 60_000);

test("READ not allowed and everything again after a crash: a later batch proves the ones before", async () => {
  using it = await world("proved", "writer");
  for (let batch = 0; batch < 9; batch++) it.put(2);
  expect(await it.drain()).toBe("idle");
  it.crash();
  it.put(2);
  expect(await it.drain()).toBe("idle");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
  expect(it.counted).toEqual({});
  expect(it.said).toContain("kafka_batch_proved");
}, 60_000);

test("with the producer's time, an hour-old batch is not forgotten at the broker's next check", async () => {
  await createTopic(broker.internalAddress, "create-time", { config: { "message.timestamp.type": "CreateTime" } });
  using it = new RealWorld("create-time", {
    brokers: [broker.address],
    sasl: { mechanism: "scram-sha-256", username: "writer", password: "w" },
    producerIdExpiration: "10s",
  });
  it.put(2, { timeMs: systemClock.now() - 3_600_000 });
  it.loseAnswers = 1;
  await until("the batch to be sent and unanswered", async () => {
    await it.step();
    return it.loseAnswers === 0;
  });
  const sentMs = performance.now();
  // Two of the broker's checks (1 s apart) go by; a producer whose last batch is an hour old would not outlive them.
  await until("two checks", () => performance.now() - sentMs > 2_500);
  expect(await it.drain()).toBe("idle");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
}, 30_000);

test.each([
  ["without WRITE", "stranger", "s", "KAFKA_UNAUTHORIZED"],
  ["with a wrong password", "writer", "wrong", "KAFKA_AUTHENTICATION"],
])(
  "%s the sink says so and waits",
  async (what, username, password, code) => {
    const topic = what.replaceAll(" ", "-");
    await createTopic(broker.internalAddress, topic);
    using it = new RealWorld(topic, { brokers: [broker.address], sasl: { mechanism: "plain", username, password } });
    it.put(1);
    expect(await it.step()).toBe(code);
    expect(it.reader.heldCount).toBe(1);
  },
  30_000,
);
