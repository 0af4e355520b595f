/** Sessions of a group without end: whatever waits in one takes its listeners away when it is over. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TestProducer } from "../../../central/testing/producer.ts";
import { readListenerWatch } from "../../../shared/testing/listener-watch.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { type BrokerOnLine, startBrokerOnLine } from "../../drivers/faults/broker-on-line.ts";
import type { FaultProxy } from "../../drivers/faults/fault-proxy.ts";
import type { Broker } from "../../drivers/kafka/broker.ts";
import { createTopic, deleteTopic } from "../../drivers/kafka/topic.ts";

const root = join(import.meta.dir, "../../..");
const sessions = 7;
/** What one object may have in order. Below the number of sessions: one listener that each of them leaves is seen. */
const listenersMax = 6;

let broker: Broker;
let proxy: FaultProxy;
let both: BrokerOnLine;

beforeAll(async () => {
  both = await startBrokerOnLine();
  ({ broker, line: proxy } = both);
}, 120_000);
afterAll(() => both[Symbol.asyncDispose]());

test("sessions that end, outages and brokers that are silent leave no listener on what lives as long as central", async () => {
  using dir = tempDir();
  const topic = "listeners";
  const watched = dir.file("listeners.jsonl");
  await createTopic(broker.internalAddress, topic);
  await using central = await launchCentral({
    brokers: proxy.address,
    topics: [topic],
    group: topic,
    store: dir.file("central.db"),
    environment: { LISTENER_WATCH: watched },
    wrap: ([bun = "", ...words]) => [bun, "--preload", join(root, "shared/testing/listener-watch.ts"), ...words],
  });
  let stored = 0;
  const stores = async (agent: string) => {
    await using producer = await TestProducer.connect(broker.internalAddress, topic, 1, agent);
    await producer.send(10);
    stored += 10;
    await central.stored(stored, 60_000);
  };
  await stores("gw0");
  const joins = () => central.log.split("group_joined").length - 1;
  for (let session = 1; session <= sessions; session++) {
    // Another topic of the same name ends a session: the next one is made from nothing.
    const before = joins();
    await deleteTopic(broker.internalAddress, topic);
    await createTopic(broker.internalAddress, topic);
    await until("a new session", joins, (now) => now > before, { withinMs: 60_000 });
    await stores(`gw${session}`);
    // Silence, and nobody there: clients that give up and ask anew.
    if (session % 2 === 0) proxy.blackhole();
    else await proxy.refuse();
    await Bun.sleep(2_500);
    await proxy.clear();
    await stores(`gw${session}-after`);
  }
  await central.child.stop(30_000);
  expect(central.log).not.toContain("MaxListenersExceededWarning");
  const most = readListenerWatch(readFileSync(watched, "utf8"));
  // The worker has its own.
  expect(most.some(({ thread, of }) => thread > 0 && of === "AbortSignal")).toBe(true);
  expect(most.filter(({ listeners }) => listeners > listenersMax)).toEqual([]);
}, 400_000);
