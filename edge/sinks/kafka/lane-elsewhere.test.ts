import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { testBatch } from "../../testing/fakes/test-batches.ts";
import { LaneWorld } from "./testing/lane-world.ts";

const day = 86_400_000;

describe("somebody else", () => {
  test("47 stops the lane for good, alarms, and takes a new epoch", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    await world.step();
    world.broker.faults = [{ code: errors.INVALID_PRODUCER_EPOCH }];
    expect(await world.step()).toBe("KAFKA_SESSION_FENCED");
    expect(await world.step()).toBe("KAFKA_SESSION_FENCED");
    expect(world.renewed).toHaveLength(1);
    expect(world.said).toContain("kafka_session_fenced");
  });

  test("after a restart a fenced lane goes on under a producer of its own", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    await world.step();
    world.reader.commit();
    world.broker.faults = [{ code: errors.INVALID_PRODUCER_EPOCH }];
    await world.step();
    world.crash();
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({ maybe_repeated: 2 });
  });

  test("a copy that used our numbers is noticed by what the log has", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    await world.step();
    // The copy went on behind the first batch, with other cuts.
    const theirs = testBatch(world.reader.lane, { first: 3, count: 5 });
    stampBatch(theirs.bytes, theirs.recordsCrc, { producerId: 7n, producerEpoch: 0, baseSequence: 3 });
    await world.broker.produce(world.broker.node, [{ topic: "driving", partition: 0, bytes: theirs.bytes }]);
    expect(await world.step()).toBe("KAFKA_SESSION_FENCED");
    expect(world.renewed).toHaveLength(1);
  });
});

describe("another cluster on the same address", () => {
  test("gets a session of its own; nothing is sent under the old one", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    await world.step();
    world.broker.wipe("cluster-2");
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(["line 3", "line 4"]);
    expect([...world.reader.sessions.keys()]).toContain("kafka/cluster-2/driving/0");
    expect(world.said).toContain("kafka_cluster_changed");
    expect(world.counted).toEqual({});
  });

  test("what was unanswered at the old one is counted as maybe repeated", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.broker.wipe("cluster-2");
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(["line 3", "line 4"]);
    expect(world.counted).toEqual({ maybe_repeated: 2 });
  });

  test("going back to the first begins anew there", async () => {
    const world = new LaneWorld();
    world.put(3, 2, 2);
    await world.step();
    const first = world.broker.clusterId;
    world.broker.clusterId = "cluster-2";
    await world.step();
    await world.step();
    world.broker.clusterId = first;
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
  });
});

describe("topics", () => {
  test("a missing one is waited for", async () => {
    const world = new LaneWorld({ topic: "elsewhere" });
    Object.assign(world.reader, { lane: { ...world.reader.lane, group: "elsewhere" } });
    world.put(1);
    expect(await world.step()).toBe("KAFKA_TOPIC_MISSING");
    world.broker.addTopic("elsewhere");
    expect(await world.drain()).toBe("idle");
  });

  test("a missing one is created when the config says so", async () => {
    const world = new LaneWorld({ createTopic: { partitions: 3 } });
    Object.assign(world.reader, { lane: { ...world.reader.lane, group: "made" } });
    world.put(1);
    // At once, and without a warning that asks for what the config says already.
    expect(await world.step()).toBe("delivered");
    expect(world.said).toContain("kafka_topic_created");
  });

  test("an agent's lane stays in its partition when the topic grows", async () => {
    const world = new LaneWorld();
    world.put(2, 2);
    await world.step();
    const before = world.broker.values("driving").length;
    world.broker.grow("driving", 8);
    world.advance(600_000);
    expect(await world.drain()).toBe("idle");
    expect(world.broker.values("driving")).toHaveLength(before + 2);
  });
});

test("with the producer's time, an old backlog is stamped with now, and a clock that is ahead is found out", async () => {
  const world = new LaneWorld();
  world.broker.logAppendTime = false;
  world.clock.setWall(1_795_000_000_000);
  world.put(2);
  world.advance(3 * day);
  world.broker.faults = [{ code: errors.INVALID_TIMESTAMP }, { code: errors.INVALID_TIMESTAMP }];
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
  // How far, one refusal does not tell.
  expect(world.facts.get("kafka_clock_ahead")).toMatchObject({ topic: "driving", aheadMsMin: undefined });
});

const Aheads = z.object({ aheadMsMin: z.number() });

test.each([7_168, 1, 400])("a clock that is %d days ahead buries nothing", async (days) => {
  const world = new LaneWorld();
  world.broker.logAppendTime = false;
  world.broker.refusesFuture = true;
  world.broker.timeMs = 1_795_000_000_000;
  world.clock.setWall(world.broker.timeMs + days * day);
  world.put(3, 2);
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
  expect(world.reader.buried).toEqual([]);
  expect(world.said.filter((name) => name === "kafka_clock_ahead")).toHaveLength(1);
  const { aheadMsMin } = Aheads.parse(world.facts.get("kafka_clock_ahead"));
  expect(aheadMsMin).toBeLessThanOrEqual(days * day);
  expect(aheadMsMin).toBeGreaterThanOrEqual((days * day) / 4);
});

test("a clock that is not set, and records from the future: nothing is buried", async () => {
  const world = new LaneWorld();
  world.broker.logAppendTime = false;
  world.broker.refusesFuture = true;
  world.broker.timeMs = 1_795_000_000_000;
  world.clock.setWall(world.broker.timeMs + 7_168 * day);
  world.put(3);
  world.clock.setWall(5_000);
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
});

test("a topic that refuses every time holds the batch, and says so", async () => {
  const world = new LaneWorld();
  world.broker.logAppendTime = false;
  world.put(3);
  world.broker.faults = Array.from({ length: 40 }, () => ({ code: errors.INVALID_TIMESTAMP }));
  expect(await world.step()).toBe("KAFKA_CLOCK");
  world.broker.faults = [];
  expect(await world.drain()).toBe("idle");
  expect(world.reader.buried).toEqual([]);
});
