/**
 * Three centrals on one PostgreSQL, with a real broker: one is killed, one is frozen inside a transaction, the server is
 * killed, restarted, full and slow. What is counted is counted in the database, past all of the product's reading code.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SQL } from "bun";
import { TestProducer } from "../../../central/testing/producer.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Central, launchCentral } from "../../drivers/central/central.ts";
import { type FaultProxy, startFaultProxy } from "../../drivers/faults/fault-proxy.ts";
import { type MountedDisk, mountedDisk } from "../../drivers/faults/mounted-disk.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { PostgresServer, serverPassword } from "../../drivers/storage/postgres-server.ts";

setDefaultTimeout(120_000);

const topic = "drive";
const partitions = 6;

let disk: MountedDisk;
let broker: Broker;
let server: PostgresServer;
let proxy: FaultProxy;
let admin: SQL;
let producers: readonly TestProducer[];
let database: string;
let sent = 0;
const centrals: Central[] = [];

beforeAll(async () => {
  disk = mountedDisk(400);
  [broker, server] = await Promise.all([
    startBroker(),
    PostgresServer.start({ folder: disk.path, settings: ["fsync=off", "max_wal_size=64MB"] }),
  ]);
  await createTopic(broker.internalAddress, topic, { partitions });
  // Each writes to all partitions: transactions of different centrals meet at its account.
  producers = await Promise.all(
    ["gw1", "gw2"].map((agent) => TestProducer.connect(broker.address, topic, partitions, agent)),
  );
  database = await server.createDatabase();
  admin = server.connect(database);
  proxy = await startFaultProxy({ upstreamPort: server.port, frames: false });
}, 120_000);

afterAll(async () => {
  for (const central of centrals) await central[Symbol.asyncDispose]();
  for (const producer of producers) await producer[Symbol.asyncDispose]();
  await admin.close({ timeout: 0 });
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  disk[Symbol.dispose]();
});

async function start(port = server.port): Promise<Central> {
  const store = server.address(database, port);
  const central = await launchCentral({ brokers: broker.address, topics: [topic], store });
  centrals.push(central);
  return central;
}

/** Of both agents as many. */
async function send(each: number): Promise<void> {
  const counts = await Promise.all(producers.map((producer) => producer.send(each)));
  sent = counts.reduce((sum, count) => sum + count, 0);
}

async function stored(): Promise<number> {
  const [row] = await admin<{ stored: number }[]>`
    select coalesce(sum(stored), 0)::float8 as stored from tailgate.source`;
  return row?.stored ?? 0;
}

async function hasAll(withinMs = 60_000): Promise<void> {
  try {
    await until(`${sent} events to be stored`, stored, (count) => count >= sent, { withinMs });
  } catch (thrown) {
    const logs = centrals.map((central) => central.log.slice(-1_500)).join("\n---\n");
    throw new Error(
      `${thrown instanceof Error ? thrown.message : thrown}\n${logs}\n---\n${server.output.slice(-1_500)}`,
    );
  }
}

/** Every record is there once, in the rows, in the books and in the counts. */
async function proveIt(): Promise<void> {
  const [rows] = await admin`
    select count(*)::int as events, count(distinct (lane, seq))::int as different,
      (select sum(stored)::int from tailgate.source) as counted,
      (select sum(last - first + 1)::int from tailgate.ledger where kind = 'received') as received,
      (select sum(events)::int from tailgate.series) as by_series,
      (select sum(repeated + conflicts + next_seq - first_seq - received)::int from tailgate.lane) as wrong
    from tailgate.event`;
  const all = { events: sent, different: sent, counted: sent, received: sent, by_series: sent, wrong: 0 };
  expect({ ...rows }).toEqual(all);
  // The last state of each vehicle is its latest event.
  const late = await admin`
    select 1 from tailgate.series s where last_time is distinct from (select max(time) from tailgate.event where series = s.id)`;
  expect(late.length).toBe(0);
}

/** From the moment on at which the server answers again, until something new is stored. */
async function firstRowMs(before: number): Promise<number> {
  const began = performance.now();
  await until("a first row", stored, (count) => count > before, { withinMs: 30_000, everyMs: 5 });
  return Math.round(performance.now() - began);
}

test("three centrals share the work; one is killed, one is frozen inside a transaction: it holds nobody up for long", async () => {
  await send(1_000);
  const first = await start();
  const frozen = await start(proxy.port);
  const killed = await start();
  await hasAll();
  const reads = async (central: Central) => {
    const { partitions: all } = await central.get<{ partitions: { reader: string }[] }>("/api/v1/lag");
    return all.filter(({ reader }) => reader === "self").length;
  };
  await until(
    "each to have its part",
    () => Promise.all([first, frozen, killed].map(reads)),
    (parts) => parts.every((part) => part === partitions / 3),
    { withinMs: 30_000 },
  );
  // Until the moment is met there is something to store.
  let met = false;
  const push = async () => {
    do await send(6_000);
    while (!met);
  };
  const pushing = push();
  await killed.kill();
  // On its slow line nearly all of its time is within transactions.
  proxy.setLink({ latencyMs: 15 });
  const inTransaction = await until(
    "a freeze inside a transaction",
    async () => {
      frozen.freeze();
      const [one] = await admin<{ pid: number; begun: string; wait: string }[]>`
      select a.pid, a.xact_start::text as begun, a.wait_event as wait from pg_stat_activity a
      where application_name = 'tailgate-central' and xact_start is not null and wait_event = 'ClientRead'
        and xact_start < clock_timestamp() - interval '30 milliseconds'`;
      await Bun.sleep(150);
      const [same] =
        one === undefined
          ? []
          : await admin`select 1 from pg_stat_activity where pid = ${one.pid} and xact_start::text = ${one.begun}`;
      if (same !== undefined) return one;
      frozen.thaw();
      await Bun.sleep(40);
      return undefined;
    },
    (found) => found !== undefined,
    { withinMs: 60_000, everyMs: 1 },
  ).finally(() => {
    met = true;
  });
  const began = performance.now();
  await pushing;
  await hasAll();
  const heldUpMs = Math.round(performance.now() - began);
  const [left] =
    await admin`select 1 from pg_stat_activity where pid = ${inTransaction?.pid ?? 0} and xact_start is not null`;
  expect(left).toBeUndefined();
  console.log(`frozen inside a transaction: all stored by the others after ${heldUpMs} ms`);
  proxy.setLink();
  frozen.thaw();
  await send(500);
  await hasAll();
  await proveIt();
});

test.each([
  ["killed with -9", () => server.kill()],
  ["restarted by an administrator", () => server.stop()],
] as const)(
  "the server is %s: the first row comes within a second of its return, none lost, none twice",
  async (_, end) => {
    const before = await stored();
    await end();
    await send(5_000);
    await server.launch();
    const ms = await firstRowMs(before);
    const began = performance.now();
    await hasAll();
    const rate = Math.round(((sent - before) / (performance.now() - began + ms)) * 1_000);
    console.log(`first row ${ms} ms after the server's return; caught up at ${rate} events a second`);
    expect(ms).toBeLessThan(1_000);
    await proveIt();
  },
);

test("the server's disk is full: it is waited for, and everything is stored once", async () => {
  const before = await stored();
  const ballast = join(disk.path, "ballast");
  for (let bytes = 64 * 1024 * 1024; bytes >= 512; bytes /= 2) {
    for (let full = false; !full; ) {
      try {
        writeFileSync(ballast, Buffer.alloc(bytes), { flag: "a" });
      } catch {
        full = true; // Then with less.
      }
    }
  }
  const [one] = centrals;
  await until(
    "the store to be away",
    async () => {
      await send(2_000);
      return (await one?.status())?.storeAvailable === false || server.output.includes("No space left on device");
    },
    Boolean,
    { withinMs: 60_000 },
  );
  rmSync(ballast);
  await server.launch(); // Without room for its log the server ends itself.
  const began = performance.now();
  await hasAll();
  console.log(
    `disk full: ${sent - before} events stored ${Math.round(performance.now() - began)} ms after there was room`,
  );
  await proveIt();
});

test("a server that is 40 ms away: slower, and nothing else", async () => {
  for (const central of centrals) if (central.running) await central.stop();
  proxy.setLink({ latencyMs: 20 });
  await start(proxy.port);
  const before = await stored();
  await send(5_000);
  const began = performance.now();
  await hasAll();
  for (const { log } of centrals) {
    expect(log).toContain("Central is up");
    for (const secret of [serverPassword, encodeURIComponent(serverPassword)]) expect(log).not.toContain(secret);
  }
  console.log(`40 ms away: ${Math.round(((sent - before) / (performance.now() - began)) * 1_000)} events a second`);
  await proveIt();
});
