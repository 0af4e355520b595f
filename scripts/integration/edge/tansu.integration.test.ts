/**
 * What the sink makes of a broker that is not Apache's. Tansu refuses an epoch that its producer stepped by itself, with the code
 * that means "somebody else writes"; it answers a repeat with 46, has no DescribeProducers, names the last offset as the
 * end of a log, and hands out nothing to a reader who does not wait. (librdkafka 2.0 cannot read from it, so the log is
 * read by the sink's own link here, each CRC checked.)
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { crcMatches, readBatchHeader } from "../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { startTansu, type Tansu } from "../../drivers/tansu/tansu.ts";
import { RealWorld } from "./real-world.ts";

let tansu: Tansu;
beforeAll(async () => {
  tansu = await startTansu();
}, 120_000);
afterAll(() => tansu[Symbol.asyncDispose]());

const world = (topic: string) =>
  new RealWorld(topic, { brokers: [tansu.address], createTopic: { partitions: 1, replication: 1 } });

async function inTopic({ link, topic }: RealWorld): Promise<string[]> {
  const [node] = (await link.topic(topic)).leaders;
  if (node === undefined) throw new Error(`${topic} has no leader`);
  const values: string[] = [];
  for (let offset = 0; ; ) {
    const { bytes, highWatermark } = await link.readLog(node, topic, 0, offset);
    for (let at = 0; at < bytes.length; ) {
      const header = readBatchHeader(bytes, at);
      const batch = bytes.subarray(at, at + header.bytes);
      expect(crcMatches(batch)).toBe(true);
      values.push(...[...decodeRecords(batch)].map(({ value }) => `${value}`));
      at += header.bytes;
      offset = Number(header.baseOffset) + header.lastOffsetDelta + 1;
    }
    if (bytes.length === 0 || offset >= highWatermark) return values;
  }
}

test("holes and markers: each line is there once, in order, and nobody is accused", async () => {
  using it = world("holes");
  it.put(3);
  it.put(2);
  expect(await it.drain()).toBe("idle");
  it.shed(400);
  it.put(2);
  it.put(1);
  expect(await it.drain()).toBe("idle");
  expect(await inTopic(it)).toEqual(it.written.map(String));
  expect(it.said.filter((name) => name === "kafka_epoch_refused")).toHaveLength(1);
  expect(it.said).not.toContain("kafka_session_fenced");
  expect(it.renewed).toEqual([]);
  expect(it.counted).toEqual({});
}, 60_000);

test("lost answers and a killed edge: what it calls a duplicate is read back, and is there once", async () => {
  using it = world("answers");
  it.put(3);
  expect(await it.drain()).toBe("idle");
  for (let turn = 0; turn < 5; turn++) {
    it.put(2);
    it.put(4);
    it.loseAnswers = 1;
    await it.step();
    if (turn % 2 === 0) it.crash();
    expect(await it.drain()).toBe("idle");
  }
  expect(await inTopic(it)).toEqual(it.written.map(String));
  expect(it.counted).toEqual({});
}, 60_000);

test("started anew, its memory empty: what is kept goes out again, in order", async () => {
  using it = world("anew");
  it.put(3);
  it.put(2);
  expect(await it.drain()).toBe("idle");
  await tansu.restart();
  it.put(2);
  it.put(4);
  expect(await it.drain()).toBe("idle");
  expect(await inTopic(it)).toEqual(it.written.map(String));
  expect(it.said).toContain("kafka_resent_lost");
  expect(it.renewed).toEqual([]);
}, 60_000);
