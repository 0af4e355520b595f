/** On PostgreSQL as it is deployed, with a real broker: followed live, made whole by a replay through kills, a vehicle erased. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { SQL } from "bun";
import { TestProducer } from "../../../central/testing/producer.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Central, launchCentral } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { PostgresServer } from "../../drivers/storage/postgres-server.ts";
import { freshTopic } from "./ground.ts";

setDefaultTimeout(120_000);

const key = "a-key-for-everything";
const partitions = 4;
let broker: Broker;
let server: PostgresServer;

beforeAll(async () => {
  [broker, server] = await Promise.all([startBroker(), PostgresServer.start({ settings: ["fsync=off"] })]);
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

async function ground(settings: Readonly<Record<string, string>> = {}) {
  const topic = freshTopic();
  await createTopic(broker.internalAddress, topic, { partitions });
  const database = await server.createDatabase();
  const producer = await TestProducer.connect(broker.address, topic, partitions);
  const store = server.address(database);
  const environment = { TAILGATE_API_KEY: key, ...settings };
  const central = await launchCentral({
    brokers: broker.address,
    topics: [topic],
    group: topic,
    store,
    key,
    environment,
  });
  const tables = server.connect(database);
  const end = async () => {
    await central[Symbol.asyncDispose]();
    await producer[Symbol.asyncDispose]();
    await tables.close({ timeout: 0 });
  };
  return { topic, producer, central, tables, [Symbol.asyncDispose]: end };
}

interface Replay {
  readonly id: number;
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
}

const replayOf = (central: Central, id: number) => central.get<Replay>(`/api/v1/replays/${id}`);

/** Events by rows, by the books of partitions, of lanes, and of vehicles. */
async function sums(tables: SQL): Promise<Readonly<Record<string, number>>> {
  const [row] = await tables<Record<string, number>[]>`
    select count(*)::int as events, count(distinct (lane, seq))::int as different,
      (select sum(stored)::int from tailgate.source) as counted,
      (select sum(last - first + 1)::int from tailgate.ledger where kind = 'received') as received,
      (select sum(events)::int from tailgate.series) as "bySeries"
    from tailgate.event`;
  return { ...row };
}

const all = (count: number) => ({
  events: count,
  different: count,
  counted: count,
  received: count,
  bySeries: count,
});

test("rows are lost: a replay that is killed twice makes it whole while live load goes on, nothing twice", async () => {
  await using on = await ground();
  const { central, tables } = on;
  await on.producer.send(20_000);
  await central.stored(20_000);
  const { count: lost } = await tables`delete from tailgate.event where seq % 3 = 0`;
  const words = { topics: [on.topic], into: { kind: "store" }, recordsPerSecondMax: 4_000 };
  const { id } = await central.ask<Replay>("POST", "/api/v1/replays", words);
  let sent = 20_000;
  for (const goal of [2_000, 9_000]) {
    await central.wait(`${goal} records`, async () => ((await replayOf(central, id)).counts.read ?? 0) > goal, 60_000);
    sent = await on.producer.send(500);
    await central.kill();
    await central.start();
  }
  await central.wait("its end", async () => (await replayOf(central, id)).state !== "running", 60_000);
  const done = await replayOf(central, id);
  expect(done).toMatchObject({ state: "done", counts: { restored: lost, stored: 0, conflicts: 0 } });
  expect(await central.stored(sent)).toMatchObject({ stored: sent, missing: 0, repeated: 0, conflicts: 0, gaps: 0 });
  expect(await sums(tables)).toEqual(all(sent));
});

test("an erased vehicle stays erased after a replay from the start; the books add up, and it comes back when it may", async () => {
  await using on = await ground();
  const { central, tables } = on;
  await on.producer.send(5_000);
  await central.stored(5_000);
  expect(await central.ask("DELETE", "/api/v1/vehicles/car-3")).toMatchObject({ events: 500 });
  await on.producer.send(1_000);
  expect(await central.stored(6_000)).toMatchObject({ stored: 6_000, missing: 0, conflicts: 0 });
  const replay = async (words: object) => {
    const { id } = await central.ask<Replay>("POST", "/api/v1/replays", { ...words, into: { kind: "store" } });
    await central.wait("its end", async () => (await replayOf(central, id)).state !== "running", 60_000);
    return await replayOf(central, id);
  };
  expect(await replay({})).toMatchObject({ state: "done", counts: { restored: 0, stored: 0, conflicts: 0 } });
  expect(await central.get("/api/v1/events?vehicle=car-3")).toMatchObject({ events: [] });
  expect(await sums(tables)).toMatchObject({ events: 5_400, counted: 6_000, received: 6_000 });
  const suppressions = [{ vehicle: "car-3", events: 500, withheld: 100 }];
  expect(await central.get("/api/v1/suppressions")).toMatchObject({ suppressions });
  await central.ask("DELETE", "/api/v1/suppressions/car-3");
  expect((await replay({ vehicle: "car-3" })).counts).toMatchObject({ matched: 600, restored: 600 });
  expect(await sums(tables)).toEqual(all(6_000));
});

test("followed live: each event comes once, in the order of its partition, over a restart of central", async () => {
  await using on = await ground();
  const { central } = on;
  await on.producer.send(100);
  await central.stored(100);
  const seen: string[] = [];
  let lastId = "";
  const follow = async (until: AbortSignal) => {
    const headers = { Authorization: `Bearer ${key}`, ...(lastId === "" ? {} : { "Last-Event-ID": lastId }) };
    const answer = await fetch(`${central.url}/api/v1/events/stream?perSecondMax=10000`, { headers, signal: until });
    expect(answer.status).toBe(200);
    let text = "";
    for await (const part of answer.body ?? []) {
      text += new TextDecoder().decode(part, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        lastId = /^id: ?(.+)$/m.exec(block)?.[1] ?? lastId;
        const data = /^data: ?(.+)$/m.exec(block)?.[1];
        if (data === undefined || /^event:/m.test(block)) continue;
        const { partition, offset } = JSON.parse(data);
        seen.push(`${partition}/${offset}`);
      }
    }
  };
  for (const goal of [3_000, 6_000]) {
    const over = new AbortController();
    const following = follow(over.signal).catch(() => {});
    await until("to follow", () => lastId !== "");
    await on.producer.send(3_000);
    await until(`${goal} events`, () => seen.length >= goal, Boolean, { withinMs: 30_000 });
    over.abort();
    await following;
    await central.kill();
    await central.start();
  }
  expect(seen).toHaveLength(6_000);
  for (let partition = 0; partition < partitions; partition++) {
    const own = seen.filter((place) => place.startsWith(`${partition}/`));
    expect(own).toEqual(Array.from({ length: 1_500 }, (_, at) => `${partition}/${25 + at}`));
  }
});

test("rules run on it: vehicles that fall silent are alerts, once each, over a kill; and resolved when they speak", async () => {
  using dir = tempDir("tailgate-rules-");
  const rules = `groups: [{ name: g, rules: [{ alert: Silent, streams: ["*"], absence: { within: 1s }, minInterval: 0s }] }]`;
  writeFileSync(dir.file("rules.yaml"), rules);
  await using on = await ground({ TAILGATE_RULES_FILE: dir.file("rules.yaml") });
  const { central } = on;
  await on.producer.send(100);
  await central.stored(100);
  const firing = async () => {
    const { alerts } = await central.get<{ alerts: readonly { vehicle: string }[] }>("/api/v1/alerts?state=firing");
    return alerts.map(({ vehicle }) => vehicle).toSorted();
  };
  const cars = Array.from({ length: 10 }, (_, car) => `car-${car}`);
  await central.wait("all to be silent", async () => (await firing()).length === 10, 60_000);
  await central.kill();
  await central.start();
  await on.producer.send(10);
  await central.stored(110);
  await central.wait(
    "them to be silent again",
    async () => {
      const { rules: sums } = await central.get<{ rules: readonly { alerts: number; firing: number }[] }>(
        "/api/v1/rules",
      );
      return sums[0]?.alerts === 20 && sums[0].firing === 10;
    },
    60_000,
  );
  expect(await firing()).toEqual(cars);
});
