/** A replay as a live stream from a real broker: order, pace, filters, a client that is slow, one that goes, a broker that does. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import { until } from "../../../shared/testing/until.ts";
import type { Central } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { alterTopic } from "../../drivers/kafka/topic.ts";
import { type CentralGround, centralGround } from "./ground.ts";

const partitions = 3;
const baseMs = 1_760_000_000_000;
const count = 3_000;
/** Over all partitions; the whole is five minutes. */
const stepMs = 100;
let broker: Broker;
let on: CentralGround;
let central: Central;

interface Line {
  readonly timeMs?: number;
  readonly vehicle?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly value?: string;
  readonly replay?: { readonly kind: string; readonly records?: number };
}

beforeAll(async () => {
  broker = await startBroker();
  on = await centralGround(broker, partitions);
  // Of last year: retention goes by the records' times.
  await alterTopic(broker.internalAddress, on.topic, { "retention.ms": "-1" });
  const producer = new Kafka({ brokers: [broker.address], clientId: "test", logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = Array.from({ length: count }, (_, n) => ({
    partition: n % partitions,
    key: `car-${n % 10}`,
    // Some answers of the broker for each partition: what is in memory outlives it.
    value: `${n}`.padEnd(600, "."),
    timestamp: String(baseMs + n * stepMs),
  }));
  for (let from = 0; from < count; from += 100) {
    await producer.send({ topic: on.topic, messages: messages.slice(from, from + 100) });
  }
  await producer.disconnect();
  central = await on.start();
  await central.stored(count);
}, 180_000);

afterAll(async () => {
  await central?.[Symbol.asyncDispose]();
  await on?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
});

/** Its lines, each with when it came. */
async function* linesOf(query: string, signal?: AbortSignal): AsyncGenerator<Line & { readonly atMs: number }> {
  const answer = await fetch(`${central.url}/api/v1/replays/stream?${query}`, signal === undefined ? {} : { signal });
  if (!answer.ok || answer.body === null) throw new Error(`${answer.status} ${await answer.text()}`);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of answer.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield { ...JSON.parse(line), atMs: performance.now() };
  }
  expect(rest).toBe("");
}

async function all(query: string) {
  const lines: (Line & { readonly atMs: number })[] = [];
  for await (const line of linesOf(query)) lines.push(line);
  return { lines, records: lines.filter(({ replay }) => replay === undefined), last: lines.at(-1)?.replay };
}

const numberOf = ({ value }: Line) => Number(value?.replace(/\.+$/, ""));

test("all partitions in the order of time, each record once, and the end is said", async () => {
  const { records, last } = await all("speed=max");
  expect(records.map(numberOf)).toEqual(Array.from({ length: count }, (_, n) => n));
  expect(last).toMatchObject({ kind: "done", records: count });
}, 60_000);

test("a hundred times as fast as it came: never before it is due", async () => {
  const { records } = await all("speed=100");
  expect(records).toHaveLength(count);
  const [first] = records;
  for (const { timeMs = 0, atMs } of records) {
    const dueMs = ((timeMs - (first?.timeMs ?? 0)) / 100) * 0.99;
    // The first one is on its way to us for some milliseconds too.
    expect(atMs - (first?.atMs ?? 0)).toBeGreaterThan(dueMs - 50);
  }
}, 60_000);

test("one vehicle, one stream, a range of time", async () => {
  const [from, to] = [baseMs + 60_000, baseMs + 120_000];
  const { records, last } = await all(
    `speed=max&topic=${on.topic}&stream=${on.topic}&vehicle=car-3&from=${from}&to=${to}`,
  );
  const wanted = Array.from({ length: count }, (_, n) => n).filter((n) => n % 10 === 3 && n >= 600 && n < 1_200);
  expect(records.map(numberOf)).toEqual(wanted);
  expect(new Set(records.map(({ vehicle }) => vehicle))).toEqual(new Set(["car-3"]));
  expect(last).toMatchObject({ kind: "done", records: wanted.length });
}, 60_000);

test("as fast as it came, until the client goes: then it is over, and its place is free", async () => {
  const gone = Array.from({ length: 4 }, () => new AbortController());
  const streams = gone.map((each) => linesOf("speed=1", each.signal));
  for (const stream of streams) {
    const first = await stream.next();
    expect(first.value?.replay).toMatchObject({ kind: "begins" });
  }
  expect((await fetch(`${central.url}/api/v1/replays/stream`)).status).toBe(429);
  for (const each of gone) each.abort();
  await until("a place to be free", async () => {
    const again = new AbortController();
    const answer = await fetch(`${central.url}/api/v1/replays/stream?speed=1`, { signal: again.signal });
    again.abort();
    return answer.status === 200;
  });
}, 60_000);

test("the broker goes and comes back: said, waited for, nothing left out and nothing twice", async () => {
  const kinds = new Set<string>();
  const numbers: number[] = [];
  for await (const line of linesOf("speed=50")) {
    if (line.replay === undefined) numbers.push(numberOf(line));
    else kinds.add(line.replay.kind);
    if (numbers.length === 500 && line.replay === undefined) await broker.kill();
    if (line.replay?.kind === "waits" && !broker.running) await broker.start();
  }
  expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
  expect([...kinds].sort()).toEqual(expect.arrayContaining(["begins", "done", "waits"]));
}, 120_000);

test("a central that dies cuts it: no last word, so nobody takes a part for the whole", async () => {
  let last: Line | undefined;
  const reading = (async () => {
    for await (const line of linesOf("speed=10")) {
      last = line;
      if (line.replay === undefined && numberOf(line) === 100) void central.kill();
    }
  })();
  await expect(reading).rejects.toThrow();
  expect(last?.replay?.kind).not.toBe("done");
}, 60_000);
