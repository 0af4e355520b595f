import { expect, test } from "bun:test";
import { type EachBatchPayload, Kafka, type KafkaMessage, logLevel } from "kafkajs";
import type { FetchedPartition } from "../../../shared/kafka/connection/raw-fetch.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { topicBatch } from "../../testing/batches.ts";
import type { Arrival, ArrivalContext, Outcome } from "../consumer.ts";
import { GroupSession } from "./group-session.ts";

const drive = { topic: "drive", partition: 0 };
const never = () => new Promise<never>(() => {});

/** What one fetch of one record brings. */
function fetchedAt(offset: number): FetchedPartition {
  const ends = { errorCode: 0, highWatermark: offset + 1, endOffset: offset + 1, logStartOffset: 0 };
  return { ...drive, ...ends, aborted: [], frames: splitBatches(topicBatch(offset, ["x"])) };
}

/** As kafkajs hands it over: a message that stands for it. */
function batchAt(offset: number): EachBatchPayload["batch"] {
  const message: KafkaMessage = {
    key: null,
    value: null,
    timestamp: "0",
    attributes: 0,
    offset: String(offset),
    headers: {},
  };
  return {
    ...drive,
    ...{ highWatermark: String(offset + 1), messages: [message], isEmpty: () => false },
    ...{ firstOffset: () => String(offset), lastOffset: () => String(offset) },
    ...{ offsetLag: () => "0", offsetLagLow: () => "0" },
  };
}

/** A session over a kafkajs consumer that reaches nobody; `deliver` is handed the batches. */
async function sessionOf(deliver: (arrival: Arrival, context: ArrivalContext) => Promise<Outcome>) {
  const client = new Kafka({ brokers: ["127.0.0.1:1"], logLevel: logLevel.NOTHING }).consumer({ groupId: "g" });
  const running = Promise.withResolvers<NonNullable<Parameters<typeof client.run>[0]>>();
  client.connect = async () => {};
  client.subscribe = async () => {};
  client.disconnect = async () => {};
  client.run = async (config = {}) => running.resolve(config);
  const events = { answered: () => {}, moved: () => {}, joined: () => {} };
  const fetched = (message: object) => ("offset" in message ? fetchedAt(Number(message.offset)) : undefined);
  const kafka = { consumer: () => client };
  const parts = {
    kafka,
    protocol: "p",
    events,
    fetched,
    topicIds: async () => undefined,
    committed: async () => new Map<string, number>(),
  };
  const sizes = { sessionTimeoutMs: 50, heartbeatMs: 10, fetchBytesPerPartition: 1_000 };
  const handler = { assigned: async () => 0, deliver };
  const session = new GroupSession(parts, { groupId: "g", ...sizes, report: silent }, handler);
  await session.start(["drive"]);
  const { eachBatch } = await running.promise;
  const bring = (offset: number, broker: Partial<EachBatchPayload>) =>
    eachBatch?.({
      batch: batchAt(offset),
      ...{ resolveOffset: () => {}, heartbeat: async () => {}, pause: () => () => {} },
      ...{ commitOffsetsIfNecessary: async () => {}, uncommittedOffsets: () => ({ topics: [] }) },
      ...{ isRunning: () => true, isStale: () => false },
      ...broker,
    });
  return { session, bring };
}

test("a coordinator that never answers a commit holds up nothing that is read", async () => {
  const delivered: number[] = [];
  const { session, bring } = await sessionOf(async ({ nextOffset }) => {
    delivered.push(nextOffset);
    return { kind: "done" };
  });
  let commits = 0;
  const commitOffsetsIfNecessary = () => {
    commits++;
    return never();
  };
  await bring(0, { commitOffsetsIfNecessary });
  await Bun.sleep(1_100); // A commit is due.
  for (const offset of [1, 2]) await bring(offset, { commitOffsetsIfNecessary });
  expect(delivered).toEqual([1, 2, 3]);
  void session.stop().catch(() => {}); // A commit is tried, and is not tried twice at a time.
  await Bun.sleep(0);
  expect(commits).toBe(1); // once, though it was due again
});

test("a coordinator that never answers a heartbeat holds the handler no longer than the group waits for a member", async () => {
  const { bring } = await sessionOf(async (_, { heartbeat }) => {
    await heartbeat();
    return { kind: "done" };
  });
  expect(bring(0, { heartbeat: never })).rejects.toThrow("heartbeat: no answer for 0.05 s");
});
