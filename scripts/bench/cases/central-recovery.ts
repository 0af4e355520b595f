import { join } from "node:path";
import Database from "better-sqlite3";
import { until } from "../../../shared/testing/until.ts";
import { type Central, launchCentral } from "../../drivers/central/central.ts";
import { topicCount } from "../../drivers/kafka/topic.ts";
import type { Bench } from "../bench.ts";
import { produce } from "../central/produce.ts";
import type { Metrics } from "../report/columns.ts";
import type { Sample } from "../report/results.ts";
import type { BenchCase } from "./case.ts";
import { CENTRAL } from "./central.ts";

const partitions = 4;
const vehicles = 100;
const storeAwayMs = 5_000;

/** Event time of the first event that central's cases produce; one a vehicle and second from there. */
export const eventsFromMs = 1_760_000_000_000;

/** How soon rows come again after a crash or an outage, and how fast a backlog goes while more arrives. */
export const centralRecovery: BenchCase = {
  name: "central-recovery",
  title: "After a crash, after an outage, and catching up",
  about: "central killed with -9; its store locked and released; catching up while --lines more events arrive",
  method:
    "Killed: with -9 at a quarter of --lines events, and started again on the same store. The time is from its start to the " +
    `first new row. Outage: another connection holds the store's write lock for ${storeAwayMs / 1000} s. The time is from ` +
    "the lock's release to the first new row. Catch-up: --lines events wait when central starts, and a producer adds as " +
    "many more, as fast as it can.",
  page: "central",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: ["firstRowMs", "eventsPerSecond", "lost", "repeated"],
  targets: [
    { variant: "killed with -9, started again", column: "firstRowMs", atMost: 10_000 },
    { variant: "store back after an outage", column: "firstRowMs", atMost: 1_000 },
    { variant: "catch-up while live goes on", column: "eventsPerSecond", atLeast: 50_000 },
  ],
  async *run(bench) {
    for (let run = 0; run < bench.options.runs; run++) yield* recoverOnce(bench, run);
  },
};

async function* recoverOnce(bench: Bench, run: number): AsyncIterable<Sample> {
  const events = bench.options.lines;
  const topic = `recovery-${process.pid}-${run}`;
  const brokers = [bench.broker.internalAddress];
  await produce({ brokers, topic, partitions, events, vehicles, startMs: eventsFromMs });
  yield { subject: CENTRAL, variant: "killed with -9, started again", metrics: await afterKill(bench, topic, events) };
  yield { subject: CENTRAL, variant: "store back after an outage", metrics: await afterOutage(bench, topic, events) };
  await bench.topics.delete(topic);
  yield { subject: CENTRAL, variant: "catch-up while live goes on", metrics: await catchUp(bench, events, run) };
}

async function afterKill(bench: Bench, topic: string, events: number): Promise<Metrics> {
  const name = `${topic}-kill`;
  const first = await startCentral(bench, name, topic);
  await storedAtLeast(first, events / 4);
  await first.child.kill();
  const started = performance.now();
  await using second = await startCentral(bench, name, topic);
  const { stored } = await until(
    "central to answer",
    () => second.status(),
    () => true,
    { withinMs: 60_000, everyMs: 5 },
  );
  await storedAtLeast(second, stored + 1);
  const firstRowMs = performance.now() - started;
  const { missing, repeated } = await storedAtLeast(second, events);
  return { firstRowMs, lost: missing, repeated };
}

async function afterOutage(bench: Bench, topic: string, events: number): Promise<Metrics> {
  const name = `${topic}-outage`;
  await using central = await startCentral(bench, name, topic);
  await storedAtLeast(central, events / 4);
  const other = new Database(storePath(bench, name), { timeout: 30_000 });
  other.exec("begin immediate");
  await Bun.sleep(storeAwayMs);
  const { stored } = await central.status();
  other.exec("rollback");
  const released = performance.now();
  other.close();
  await storedAtLeast(central, stored + 1);
  const firstRowMs = performance.now() - released;
  const { missing, repeated } = await storedAtLeast(central, events);
  return { firstRowMs, lost: missing, repeated };
}

async function catchUp(bench: Bench, backlog: number, run: number): Promise<Metrics> {
  const topic = `catch-up-${process.pid}-${run}`;
  const brokers = [bench.broker.internalAddress];
  const events = backlog * 2;
  const live = produce({ brokers, topic, partitions, events, vehicles, startMs: eventsFromMs });
  const held = () => topicCount(bench.broker.internalAddress, topic);
  await until("the backlog", held, (count) => count >= backlog, { withinMs: 600_000, everyMs: 50 });
  await using central = await startCentral(bench, topic, topic);
  const begun = await storedAtLeast(central, 1);
  const began = performance.now();
  const caughtUp = await storedAtLeast(central, backlog);
  const seconds = (performance.now() - began) / 1000;
  await live;
  const { missing, repeated } = await storedAtLeast(central, events);
  await bench.topics.delete(topic);
  return { eventsPerSecond: (caughtUp.stored - begun.stored) / seconds, lost: missing, repeated };
}

/** A central of its own; a second one of the same name goes on with the first one's store and group. */
export function startCentral(bench: Bench, name: string, topic: string): Promise<Central> {
  const store = storePath(bench, name);
  return launchCentral({ brokers: bench.broker.internalAddress, topics: [topic], group: name, store });
}

function storePath(bench: Bench, name: string): string {
  return join(bench.place.data, `${name}.db`);
}

/** Looks often: what is measured are milliseconds. */
export function storedAtLeast(central: Central, events: number) {
  return until(
    `${events} events to be stored`,
    () => central.status(),
    ({ stored }) => stored >= events,
    { withinMs: 3_600_000, everyMs: 5 },
  );
}
