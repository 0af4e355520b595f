import { expect, test } from "bun:test";
import { logLevel } from "kafkajs";
import Broker from "kafkajs/src/broker";
import ConnectionPool from "kafkajs/src/network/connectionPool";
import { silent } from "../../telemetry/log.ts";
import { WireBroker, type WireRequest } from "../testing/wire-broker.ts";
import type { WireWriter } from "../wire.ts";
import { createKafka } from "./client.ts";
import {
  type FetchedPartition,
  type FetchListener,
  type FetchWait,
  factoryWithListener,
  fetchedPartition,
} from "./raw-fetch.ts";

const fetchVersions = { 1: [0, 11] } as const;

/** A Fetch answer, version 11, for one partition without records. */
function emptyAnswer(highWatermark: number) {
  return ({ version }: WireRequest) => {
    expect(version).toBe(11);
    return (to: WireWriter): void => {
      to.int32(0)
        .int16(0)
        .int32(0)
        .list(["driving"], (topic) => {
          to.string(topic).list([3], (partition) => {
            to.int32(partition)
              .int16(0)
              .int64(highWatermark)
              .int64(highWatermark - 1)
              .int64(5);
            to.list([], () => {})
              .int32(-1)
              .bytes(Buffer.alloc(0));
          });
        });
    };
  };
}

/** Two clients of one process, each with a broker of its own, fetch once. */
async function fetchAs(broker: WireBroker, listener: FetchListener | undefined, waitMs?: FetchWait) {
  const { host, port } = { host: "127.0.0.1", port: broker.port };
  const options = {
    brokers: [broker.name],
    clientId: "test",
    component: "in",
    report: silent,
    level: logLevel.NOTHING,
  };
  const logger = createKafka(options).logger();
  const { default: plainFactory } = await import("kafkajs/src/network/socketFactory");
  const pool = new ConnectionPool({
    host,
    port,
    logger,
    socketFactory: listener === undefined ? plainFactory() : factoryWithListener(listener, waitMs),
    clientId: "test",
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
    enforceRequestTimeout: true,
    ssl: null,
    sasl: null,
  });
  const client = new Broker({
    connectionPool: pool,
    logger,
    authenticationTimeout: 2_000,
    allowAutoTopicCreation: false,
  });
  await client.connect();
  try {
    const topics = [{ topic: "driving", partitions: [{ partition: 3, fetchOffset: "0", maxBytes: 1024 }] }];
    return await client.fetch({ topics, maxWaitTime: 10 });
  } finally {
    await client.disconnect();
  }
}

test("each client hears the answers to its own fetches, and none of another's in the same process", async () => {
  await using first = await WireBroker.listen(fetchVersions);
  await using second = await WireBroker.listen(fetchVersions);
  first.answer = emptyAnswer(10);
  second.answer = emptyAnswer(20);
  const heard: { readonly by: string; readonly end: number }[] = [];
  const listener = (by: string) => (partition: FetchedPartition) => void heard.push({ by, end: partition.endOffset });
  await Promise.all([
    fetchAs(first, listener("one")),
    fetchAs(second, listener("two")),
    fetchAs(first, listener("three")),
  ]);
  expect(heard.toSorted((a, b) => a.by.localeCompare(b.by))).toEqual([
    { by: "one", end: 10 },
    { by: "three", end: 10 },
    { by: "two", end: 20 },
  ]);
});

test("how long the broker may wait is asked for before each fetch", async () => {
  await using broker = await WireBroker.listen(fetchVersions);
  const told: number[] = [];
  const answer = emptyAnswer(10);
  broker.answer = (request) => {
    request.body.int32(); // replica
    told.push(request.body.int32());
    return answer(request);
  };
  await fetchAs(broker, () => false);
  await fetchAs(
    broker,
    () => false,
    () => undefined,
  );
  await fetchAs(
    broker,
    () => false,
    () => 3,
  );
  expect(told).toEqual([10, 10, 3]);
});

test("what may be read ends before open transactions, the log itself does not", async () => {
  await using broker = await WireBroker.listen(fetchVersions);
  broker.answer = emptyAnswer(10);
  const heard: FetchedPartition[] = [];
  await fetchAs(broker, (partition) => void heard.push(partition));
  expect(heard).toEqual([
    {
      topic: "driving",
      partition: 3,
      errorCode: 0,
      highWatermark: 9,
      endOffset: 10,
      logStartOffset: 5,
      aborted: [],
      frames: [],
    },
  ]);
});

test("an answer without records is handed out when its listener wants it, as it came", async () => {
  await using broker = await WireBroker.listen(fetchVersions);
  broker.answer = emptyAnswer(10);
  const handed: FetchedPartition[] = [];
  const { responses } = await fetchAs(broker, (partition) => {
    handed.push(partition);
    return partition.logStartOffset === 5;
  });
  const messages = responses[0]?.partitions[0]?.messages ?? [];
  expect(messages.map(fetchedPartition)).toEqual(handed);
  expect(handed).toMatchObject([{ endOffset: 10, logStartOffset: 5, frames: [] }]);
  const { responses: others } = await fetchAs(broker, () => false);
  expect(others[0]?.partitions[0]?.messages).toEqual([]);
});

test("a client that did not ask for bytes keeps kafkajs's own messages", async () => {
  await using broker = await WireBroker.listen(fetchVersions);
  broker.answer = emptyAnswer(10);
  const { responses } = await fetchAs(broker, undefined);
  expect(responses[0]?.partitions[0]).toMatchObject({ highWatermark: "10", messages: [] });
  expect(fetchedPartition({})).toBeUndefined();
});
