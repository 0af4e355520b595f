/** The sink against a real broker; what kcat reads, with every CRC checked, is compared byte by byte. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { testBatch } from "../../../edge/testing/fakes/test-batches.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, topicRecords } from "../../drivers/kafka/topic.ts";
import { RealWorld } from "./real-world.ts";

let broker: Broker;
beforeAll(async () => {
  broker = await startBroker();
}, 90_000);
afterAll(() => broker[Symbol.asyncDispose]());

const logAppendTime = { "message.timestamp.type": "LogAppendTime" };

async function world(topic: string, config: Readonly<Record<string, string>> = logAppendTime): Promise<RealWorld> {
  await createTopic(broker.internalAddress, topic, { config });
  return new RealWorld(topic, { brokers: [broker.address] });
}

test.each(["none", "gzip", "zstd"] as const)(
  "what was put is in the topic byte by byte: codec %s",
  async (compression) => {
    using it = await world(`bytes-${compression}`);
    for (const count of [1, 1000, 7]) it.put(count, { compression, valueBytes: 200 });
    expect(await it.drain()).toBe("idle");
    expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
  },
  30_000,
);

test("all batches again after a crash of the edge, and of the broker too: each once", async () => {
  using it = await world("again");
  for (let batch = 0; batch < 12; batch++) it.put(5);
  expect(await it.drain()).toBe("idle");
  it.crash();
  expect(await it.drain()).toBe("idle");
  it.crash();
  await broker.restart("kill");
  it.put(3);
  expect(await it.drain()).toBe("idle");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
  expect(it.counted).toEqual({});
}, 60_000);

test("the broker is killed with -9 under load, acknowledgements outstanding", async () => {
  using it = await world("killed");
  for (let batch = 0; batch < 150; batch++) it.put(50, { valueBytes: 300 });
  const drained = it.drain(50_000);
  await until("a third to be sent", () => it.reader.heldCount < 100, Boolean, { everyMs: 1 });
  await broker.kill();
  it.loseAnswers = 1;
  await broker.start();
  expect(await drained).toBe("idle");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
  expect(it.counted).toEqual({});
}, 90_000);

test("edge and broker are both killed with an acknowledgement outstanding", async () => {
  using it = await world("both");
  for (let batch = 0; batch < 8; batch++) it.put(4);
  await it.deliver(6);
  it.loseAnswers = 1;
  expect(await it.step()).toBe("KAFKA_UNREACHABLE");
  await broker.kill();
  it.crash();
  await broker.start();
  expect(await it.drain()).toBe("idle");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
  expect(it.counted).toEqual({});
}, 60_000);

describe("too large", () => {
  test("the first batch of a session is cut until it fits", async () => {
    using it = await world("large-first", { ...logAppendTime, "max.message.bytes": "5000" });
    it.put(64, { valueBytes: 300 });
    it.put(3);
    expect(await it.drain()).toBe("idle");
    expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
  }, 30_000);

  test("one record between good ones goes to the dead letters, alone", async () => {
    using it = await world("large-one", { ...logAppendTime, "max.message.bytes": "5000" });
    it.put(3);
    it.put(1, { valueBytes: 20_000 });
    it.put(2);
    expect(await it.drain()).toBe("idle");
    it.crash();
    expect(await it.drain()).toBe("idle");
    expect(it.reader.buried.map(({ batch }) => batch.first)).toEqual([3]);
    const good = it.written.filter((value) => value.length < 5_000);
    expect(await it.inTopic(broker.internalAddress)).toEqual(good);
  }, 30_000);
});

test("47: somebody uses our producer with a newer epoch, and the lane stops with an alarm", async () => {
  using it = await world("fenced");
  it.put(2);
  it.put(2);
  await it.deliver(1);
  const row = JSON.parse([...it.reader.sessions].find(([name]) => name.includes("/"))?.[1] ?? "");
  const theirs = testBatch(it.reader.lane, { first: 0, count: 1 });
  const producerId = BigInt(row.producerId);
  stampBatch(theirs.bytes, theirs.recordsCrc, { producerId, producerEpoch: 1, baseSequence: 0 });
  const [node] = (await it.link.topic("fenced")).leaders;
  if (node === undefined) throw new Error("no leader");
  const [answer] = await it.link.produce(node, [{ topic: "fenced", partition: 0, bytes: theirs.bytes }]);
  expect(answer?.errorCode).toBe(0);
  expect(await it.step()).toBe("KAFKA_SESSION_FENCED");
  expect(it.renewed).toHaveLength(1);
}, 30_000);

test("an old backlog on a CreateTime topic is stamped with now; on LogAppendTime it is left alone", async () => {
  const old = Date.UTC(2024, 5, 1);
  for (const type of ["CreateTime", "LogAppendTime"]) {
    using it = await world(`old-${type}`, { "message.timestamp.type": type, "retention.ms": "86400000" });
    it.put(3, { timeMs: old });
    it.put(3, { timeMs: old + 1e12 });
    expect(await it.drain()).toBe("idle");
    expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
    const times = (await topicRecords(broker.internalAddress, it.topic)).map((record) => record.timestampMs);
    for (const timeMs of times) expect(Math.abs(timeMs - systemClock.now())).toBeLessThan(60_000);
  }
}, 30_000);

test("a clock that is 7168 days ahead, on a CreateTime topic: all of it arrives", async () => {
  await createTopic(broker.internalAddress, "clock-ahead", { config: { "message.timestamp.type": "CreateTime" } });
  const now = () => systemClock.now() + 7_168 * 86_400_000;
  const clock = { ...systemClock, now };
  using it = new RealWorld("clock-ahead", { brokers: [broker.address] }, clock);
  for (const count of [3, 100, 1]) it.put(count, { timeMs: now() });
  expect(await it.drain()).toBe("idle");
  expect(it.reader.buried).toEqual([]);
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
}, 30_000);

test("a missing topic is created with LogAppendTime", async () => {
  using it = new RealWorld("created", { brokers: [broker.address], createTopic: { partitions: 2, retention: "4d" } });
  it.put(3);
  expect(await it.drain()).toBe("idle");
  const { settings } = await it.link.describeConfigs("created");
  expect(settings.get("message.timestamp.type")).toBe("LogAppendTime");
  expect(settings.get("retention.ms")).toBe("345600000");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
}, 30_000);

test("the cluster is wiped and rebuilt on the same address: a new session, nothing taken for a repeat", async () => {
  using it = await world("wiped");
  for (let batch = 0; batch < 4; batch++) it.put(3);
  await it.deliver(2);
  await broker.wipe();
  await broker.start();
  await createTopic(broker.internalAddress, "wiped", { config: logAppendTime });
  expect(await it.drain()).toBe("idle");
  expect(await it.inTopic(broker.internalAddress)).toEqual(it.written.slice(6));
  expect(it.said).toContain("kafka_cluster_changed");
}, 60_000);
