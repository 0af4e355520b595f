/** A source that brings batches of other agents, in an agent with a real channel file. */
import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import type { SinkConfig, SourceConfig } from "../config/agent-config.ts";
import type { CarriedBatch, Intake, Source } from "../core/source.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import { AgentWorld } from "../testing/fakes/agent-world.ts";
import { testBatch, testLane } from "../testing/fakes/test-batches.ts";

/** Records `first` to below `first + count` of a lane of another agent. */
function carriedBatch(first: number, count: number): CarriedBatch {
  const { bytes, recordsCrc, timeMsMin, timeMsMax } = testBatch(testLane("driving"), { first, count });
  const carried = `gw-1/e1/driving.0/${first}-${first + count - 1}`;
  return {
    bytes,
    recordsCrc,
    count,
    timeMsMin,
    timeMsMax,
    carried,
    agent: "gw-1",
    stream: "driving",
    key: "gw-1",
    hasSeveralKeys: false,
  };
}

function carrying(batches: readonly CarriedBatch[], take: (committed: boolean) => void): SourceConfig {
  const source: Source = {
    start: async () => {},
    run: async (intake: Intake, signal: AbortSignal) => {
      await intake.ready(signal);
      for (const batch of batches) intake.carry(batch);
      take(await intake.committed(signal));
    },
    stop: async () => {},
    status: () => ({}),
  };
  const selector = { config: {}, create: () => ({ select: () => [0] }) };
  const make = { config: {}, carries: true, create: () => source };
  return { type: "relay", make, interceptors: [], selectorType: "replicating", selector, channels: ["main"] };
}

/** A sink that keeps what it is handed, and could carry heartbeats. */
function keeping(handed: StoredBatch[]): SinkConfig {
  const make = {
    config: {},
    create: () => ({
      start: async () => {},
      lane: () => ({
        deliver: async (batch: StoredBatch) => {
          handed.push({ ...batch, bytes: Buffer.from(batch.bytes) });
          return { kind: "delivered" as const };
        },
      }),
      tell: async () => {},
      stop: async () => {},
      status: () => ({}),
    }),
  };
  return { type: "kafka", make, layout: undefined, needsIdentity: false, channel: "main", members: new Map() };
}

test("batches of others go through byte for byte and are counted; of their numbers no heartbeat of ours speaks", async () => {
  using world = new AgentWorld();
  const sent = [carriedBatch(40, 3), carriedBatch(50, 2)];
  const handed: StoredBatch[] = [];
  const answers: boolean[] = [];
  const agents = carrying(sent, (committed) => answers.push(committed));
  const sources = new Map([
    ["agents", agents],
    ["in", world.reads(world.file, ["main"])],
  ]);
  const agent = await world.started(world.config({ sources, sinks: new Map([["out", keeping(handed)]]) }));
  world.file.write("own line");
  await until("all to be delivered", () => handed.length === 3);
  const others = handed.filter(({ lane }) => lane.carries === true);
  expect(answers).toEqual([true]);
  expect(others.map(({ bytes }) => bytes.toString("base64"))).toEqual(
    sent.map(({ bytes }) => bytes.toString("base64")),
  );
  expect(others.map(({ first, count, carried }) => [first, count, carried])).toEqual([
    [0, 3, "gw-1/e1/driving.0/40-42"],
    [3, 2, "gw-1/e1/driving.0/50-51"],
  ]);
  expect(world.store?.counters("agents").get("read")).toBe(5);
  expect(agent.vitals()?.lanes.map(({ lane }) => lane.stream)).toEqual(["in"]);
  await agent.stop();
  expect(world.broken).toEqual([]);
});
