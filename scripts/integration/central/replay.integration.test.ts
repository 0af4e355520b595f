/** Replay with a real broker: a store made whole, topics copied through kills, pace, what is gone, what was erased. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { type IHeaders, Kafka, logLevel } from "kafkajs";
import { until } from "../../../shared/testing/until.ts";
import type { Central } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { alterTopic, createTopic, topicCount, topicRecords } from "../../drivers/kafka/topic.ts";
import { type CentralGround, centralGround } from "./ground.ts";

const key = "a-key-for-everything";
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

const ground = (partitions = 4) => centralGround(broker, partitions);

interface Replay {
  readonly id: number;
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly progress: { readonly done: number; readonly total: number; readonly resolved: boolean };
  readonly partitions: readonly { readonly next: number }[];
  readonly gone: readonly unknown[];
  readonly notes: readonly string[];
  readonly error?: string;
}

const begin = (central: Central, body: unknown) => central.ask<Replay>("POST", "/api/v1/replays", body);

async function ended(central: Central, { id }: Replay, withinMs = 40_000): Promise<Replay> {
  return await until(
    `replay ${id} to end`,
    () => central.get<Replay>(`/api/v1/replays/${id}`),
    ({ state }) => state !== "running",
    { withinMs, everyMs: 100 },
  );
}

/** Rows out of the file, past central: a disk's fault, or a hand's. */
function loseRows(path: string): number {
  const database = new Database(path, { timeout: 10_000 });
  const before = storeSums(path).events;
  database.exec("begin immediate");
  database.exec("delete from recent where id % 3 = 0; delete from chunk where id % 2 = 0");
  database.exec("commit");
  database.close();
  return before - storeSums(path).events;
}

async function withKafka<T>(work: (kafka: Kafka) => Promise<T>): Promise<T> {
  return await work(new Kafka({ brokers: [broker.address], clientId: "test", logLevel: logLevel.NOTHING }));
}

/** Records with what a copy could get wrong, and a transaction that is rolled back. */
async function sendOddities(topic: string): Promise<void> {
  await withKafka(async (kafka) => {
    const producer = kafka.producer({ transactionalId: `${topic}-odd`, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const headers: IHeaders = { z: "last", a: ["one", "two"], empty: "" };
    const messages = [
      { partition: 0, key: null, value: "no key", timestamp: "1500000000000", headers },
      { partition: 0, key: "no value", value: null, timestamp: "1760000000123" },
      { partition: 1, key: Buffer.from([0, 255, 128]), value: Buffer.from([200, 10, 13, 0]), timestamp: "1" },
    ];
    for (const end of ["abort", "commit"] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: end === "abort" ? [{ partition: 0, value: "never" }] : messages });
      await transaction[end]();
    }
    await producer.disconnect();
  });
}

const plain = (records: Awaited<ReturnType<typeof topicRecords>>) =>
  records
    .map(({ partition, offset, timestampMs, key: name, value, headers }) => ({
      partition,
      offset,
      text: [timestampMs, name?.toString("base64") ?? null, value?.toString("base64") ?? null, headers].join("|"),
    }))
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    .map(({ partition, text }) => `${partition}: ${text}`);

async function loadWhile(on: CentralGround, work: Promise<unknown>): Promise<number> {
  let sent = 0;
  let over = false;
  void work.catch(() => {}).then(() => (over = true));
  while (!over) {
    sent = await on.producer.send(200);
    await Bun.sleep(50);
  }
  return sent;
}

describe("replay", () => {
  test("an older backup is put back and rows are lost: whole again while live load goes on, nothing twice", async () => {
    await using on = await ground();
    await on.producer.send(10_000);
    await using first = await on.start({}, key);
    await first.stored(10_000);
    await first.stop();
    copyFileSync(on.store, on.dir.file("backup.db"));
    await on.producer.send(3_000);
    await first.start();
    await first.stored(13_000);
    await first.stop();
    for (const end of ["", "-wal", "-shm"]) rmSync(`${on.store}${end}`, { force: true });
    copyFileSync(on.dir.file("backup.db"), on.store);
    const lost = loseRows(on.store);
    expect(lost).toBeGreaterThan(1_000);
    await first.start();
    await first.stored(13_000); // the consumer goes on from the older position by itself
    const replay = begin(first, { topics: [on.topic], into: { kind: "store" }, recordsPerSecondMax: 20_000 });
    const whole = replay.then((job) => ended(first, job));
    const sent = await loadWhile(on, whole);
    const done = await whole;
    expect([done.state, done.counts.restored, done.counts.stored, done.counts.conflicts]).toEqual(["done", lost, 0, 0]);
    expect(await first.stored(sent)).toMatchObject({ stored: sent, missing: 0, repeated: 0, conflicts: 0, gaps: 0 });
    expect(storeSums(on.store)).toEqual({ events: sent, counted: sent, received: sent });
    const again = await ended(first, await begin(first, { into: { kind: "store" } }));
    expect(again.counts).toMatchObject({ restored: 0, stored: 0, repeated: again.counts.matched });
    expect(storeSums(on.store)).toEqual({ events: sent, counted: sent, received: sent });
  }, 120_000);

  test("into another topic, killed with -9 three times: byte-equal record for record, the rolled back ones left out", async () => {
    await using on = await ground();
    // Records of 1970 and 2017 are among them: retention goes by their times, and looks half a minute after the broker's start.
    await alterTopic(broker.internalAddress, on.topic, { "retention.ms": "-1" });
    await sendOddities(on.topic);
    const sent = await on.producer.send(20_000);
    await using central = await on.start({}, key);
    await central.wait("the store to be open", async () => (await central.status()).storeAvailable);
    const into = { kind: "topic", topic: `${on.topic}-copy` };
    const job = await begin(central, { topics: [on.topic], into, recordsPerSecondMax: 5_000 });
    for (const goal of [0.1, 0.4, 0.7]) {
      await central.wait(
        `${goal} of the copy`,
        async () => ((await central.get<Replay>(`/api/v1/replays/${job.id}`)).counts.produced ?? 0) > goal * sent,
      );
      await Bun.sleep(Math.random() * 200);
      await central.kill();
      await central.start();
    }
    const done = await ended(central, job, 60_000);
    expect([done.state, done.counts.produced, done.error]).toEqual(["done", sent + 3, undefined]);
    expect(plain(await topicRecords(broker.address, into.topic, "read_committed"))).toEqual(
      plain(await topicRecords(broker.address, on.topic, "read_committed")),
    );
  }, 180_000);

  test("ten times as fast as it came, within a tenth", async () => {
    await using on = await ground(1);
    const beginMs = 1_760_000_000_000;
    await withKafka(async (kafka) => {
      const producer = kafka.producer({ maxInFlightRequests: 1, idempotent: true });
      await producer.connect();
      const messages = Array.from({ length: 101 }, (_, n) => ({ value: `${n}`, timestamp: `${beginMs + n * 600}` }));
      await producer.send({ topic: on.topic, messages });
      await producer.disconnect();
    });
    await using central = await on.start({}, key);
    await central.stored(101);
    const topic = `${on.topic}-paced`;
    await createTopic(broker.internalAddress, topic);
    const job = await begin(central, { topics: [on.topic], into: { kind: "topic", topic, speed: 10 } });
    const atMs = async (records: number) => {
      const enough = (count: number) => count >= records;
      await until(`${records} records`, () => topicCount(broker.internalAddress, topic), enough, {
        everyMs: 20,
        withinMs: 30_000,
      });
      return performance.now();
    };
    const firstMs = await atMs(1);
    expect((await ended(central, job)).state).toBe("done");
    const tookMs = performance.now() - firstMs;
    expect(tookMs).toBeGreaterThan(5_400);
    expect(tookMs).toBeLessThan(6_900); // the last look may be late by a few hundred milliseconds
    expect(await topicRecords(broker.address, topic)).toHaveLength(101);
  }, 60_000);

  test("a range by time is exact, however late records came; what is gone is told; paused, resumed, cancelled", async () => {
    await using on = await ground(1);
    const base = 1_760_000_000_000;
    await withKafka(async (kafka) => {
      const producer = kafka.producer({ maxInFlightRequests: 1, idempotent: true });
      await producer.connect();
      // Every third comes an hour late: before it in the topic stand records of later times.
      const at = (n: number) => base + (n % 3 === 0 ? n - 3_600 : n) * 1_000;
      for (let from = 0; from < 6_000; from += 500) {
        const messages = Array.from({ length: 500 }, (_, n) => ({
          value: `${from + n}`,
          timestamp: `${at(from + n)}`,
        }));
        await producer.send({ topic: on.topic, messages });
      }
      await producer.disconnect();
    });
    await using central = await on.start({}, key);
    await central.stored(6_000);
    const [fromMs, toMs] = [base + 100_000, base + 700_000];
    const inRange = Array.from({ length: 6_000 }, (_, n) => ({ n, ms: base + (n % 3 === 0 ? n - 3_600 : n) * 1_000 }))
      .filter(({ ms }) => ms >= fromMs && ms < toMs)
      .map(({ n }) => `${n}`);
    const topic = `${on.topic}-range`;
    const range = { from: { timeMs: fromMs }, to: { timeMs: toMs } };
    const copied = await ended(
      central,
      await begin(central, { topics: [on.topic], ...range, into: { kind: "topic", topic } }),
    );
    expect(copied).toMatchObject({ state: "done", gone: [], counts: { produced: inRange.length } });
    const values = (await topicRecords(broker.address, topic)).map(({ value }) => String(value));
    expect(values.sort()).toEqual(inRange.sort());

    await withKafka(async (kafka) => {
      const admin = kafka.admin();
      await admin.connect();
      await admin.fetchTopicOffsets(on.topic); // kafkajs deletes only where it has looked before
      await admin.deleteTopicRecords({ topic: on.topic, partitions: [{ partition: 0, offset: "1000" }] });
      await admin.disconnect();
    });
    const slow = { topics: [on.topic], into: { kind: "store" }, to: { offset: 5_000 }, recordsPerSecondMax: 200 };
    const job = await begin(central, slow);
    const read = async () => (await central.get<Replay>(`/api/v1/replays/${job.id}`)).counts.read ?? 0;
    await central.wait("it to read", async () => (await read()) > 0);
    expect(await central.ask<Replay>("POST", `/api/v1/replays/${job.id}/pause`)).toMatchObject({
      state: "paused",
      gone: [{ topic: on.topic, partition: 0, firstOffset: 0, lastOffset: 999, certain: true }],
    });
    await Bun.sleep(500);
    const paused = await read();
    await Bun.sleep(1_500);
    expect(await read()).toBe(paused);
    await central.ask("POST", `/api/v1/replays/${job.id}/resume`);
    await central.wait("it to go on", async () => (await read()) > paused);
    expect(await central.ask<Replay>("POST", `/api/v1/replays/${job.id}/cancel`)).toMatchObject({ state: "cancelled" });
    await expect(central.ask("POST", `/api/v1/replays/${job.id}/resume`)).rejects.toThrow("409");
  }, 90_000);

  test("an erased vehicle stays erased after a replay from the start; the books add up", async () => {
    await using on = await ground();
    await on.producer.send(5_000);
    await using central = await on.start({}, key);
    await central.stored(5_000);
    expect(await central.ask("DELETE", "/api/v1/vehicles/car-3")).toMatchObject({ events: 500 });
    const eventsOf = async () => (await central.get<{ events: unknown[] }>("/api/v1/events?vehicle=car-3")).events;
    expect(await eventsOf()).toEqual([]);
    await on.producer.send(1_000);
    expect(await central.stored(6_000)).toMatchObject({ stored: 6_000, missing: 0, conflicts: 0 });
    const done = await ended(central, await begin(central, { into: { kind: "store" } }));
    expect(done).toMatchObject({ state: "done", counts: { restored: 0, stored: 0, conflicts: 0 } });
    expect(await eventsOf()).toEqual([]);
    expect(storeSums(on.store)).toEqual({ events: 5_400, counted: 6_000, received: 6_000 });
    expect(await central.get("/api/v1/suppressions")).toMatchObject({
      suppressions: [{ vehicle: "car-3", events: 500, withheld: 100 }],
    });
    await central.ask("DELETE", "/api/v1/suppressions/car-3");
    const back = await ended(central, await begin(central, { vehicle: "car-3", into: { kind: "store" } }));
    expect(back.counts).toMatchObject({ matched: 600, restored: 600 });
    expect(storeSums(on.store)).toEqual({ events: 6_000, counted: 6_000, received: 6_000 });
  }, 90_000);
});
