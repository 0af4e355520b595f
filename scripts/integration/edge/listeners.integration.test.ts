/** Outages and reloads without end: whatever waits for them takes its listeners away again. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readListenerWatch } from "../../../shared/testing/listener-watch.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { prepareEdge } from "../../drivers/edge/edge.ts";
import { type BrokerOnLine, startBrokerOnLine } from "../../drivers/faults/broker-on-line.ts";
import type { FaultProxy } from "../../drivers/faults/fault-proxy.ts";
import type { Broker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

const root = join(import.meta.dir, "../../..");
const cycles = 16;
/** What one object may have in order, whatever happens how often: the runtime's own bound for event emitters. */
const listenersMax = 10;

let broker: Broker;
let proxy: FaultProxy;
let both: BrokerOnLine;

beforeAll(async () => {
  both = await startBrokerOnLine();
  ({ broker, line: proxy } = both);
}, 120_000);
afterAll(() => both[Symbol.asyncDispose]());

test("outages and reloads, again and again, leave no listener on what lives as long as the agent", async () => {
  using dir = tempDir();
  const logs = dir.file("logs");
  mkdirSync(logs);
  await createTopic(broker.internalAddress, "listeners");
  const watched = dir.file("listeners.jsonl");
  await using edge = await prepareEdge({
    configPath: dir.file("tailgate.yaml"),
    env: { LISTENER_WATCH: watched },
    binary: [process.execPath, "--preload", join(root, "shared/testing/listener-watch.ts"), join(root, "edge/main.ts")],
    place: {
      agent: "gw-1",
      dataDir: dir.file("data"),
      logs: `${logs}/*.log`,
      brokers: proxy.address,
      topic: "listeners",
    },
  });
  const quick = { requestTimeout: "1s", connectTimeout: "1s" };
  await edge.start({ sink: quick });
  const isAway = async () => {
    const { sinks } = await edge.status();
    return Object.values(sinks).some(({ lanes }) => lanes?.some(({ state }) => state.kind === "retrying") === true);
  };
  for (let cycle = 1; cycle <= cycles; cycle++) {
    // Every kind of outage: nobody listens, or somebody who says nothing.
    if (cycle % 4 === 0) proxy.blackhole();
    else await proxy.refuse();
    appendFileSync(`${logs}/a.log`, `line ${cycle}\n`);
    await edge.wait("the sink to notice", ({ sinks }) =>
      Object.values(sinks).some(({ lanes }) => lanes?.some(({ state }) => state.kind === "retrying") === true),
    );
    // In the outage: the source stays as it is in one, and is made anew in another; so is the sink.
    edge.reload({
      source: { pollInterval: `${250 + (cycle % 2)}ms` },
      sink: { ...quick, requestTimeout: cycle % 3 === 0 ? "2s" : "1s" },
    });
    if (cycle % 4 === 0) await proxy.heal();
    else await proxy.accept();
    await edge.hasSettled(cycle, 30_000);
  }
  expect(await isAway()).toBe(false);
  expect(edge.said("config_reloaded")).toBeGreaterThan(cycles / 2);
  await edge.stop();
  expect(existsSync(watched)).toBe(true);
  const most = readListenerWatch(readFileSync(watched, "utf8"));
  expect(most.filter(({ of }) => of === "AbortSignal")).not.toEqual([]);
  expect(most.filter(({ listeners }) => listeners > listenersMax)).toEqual([]);
}, 240_000);
