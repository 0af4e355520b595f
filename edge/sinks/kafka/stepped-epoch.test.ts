/** Brokers that refuse an epoch which they did not give out themselves, as Tansu does, and a fence that is somebody else's. */
import { describe, expect, test } from "bun:test";
import type { Found } from "./look-up.ts";
import { type FenceMeaning, meaningOf } from "./stepped-epoch.ts";
import { LaneWorld } from "./testing/lane-world.ts";

const day = 86_400_000;
const log = (leader: number | "forgotten", committed?: number): Found => ({ kind: "log", leader, committed });

test.each<[string, Found, FenceMeaning, FenceMeaning]>([
  ["the broker names a newer epoch", { kind: "fenced" }, "foreign", "foreign"],
  ["the log does not have it", log(9), "refused", "refused"],
  ["the broker does not know the producer", log("forgotten"), "refused", "refused"],
  ["the leader has it", log(14), "refused", "foreign"],
  ["it is committed", log("forgotten", 14), "refused", "foreign"],
  ["we may not look", { kind: "unknown", reason: "29" }, "refused", "refused_suspect"],
])("a fence under a stepped epoch: %s", (_, found, unsent, sent) => {
  expect(meaningOf(found, 10, true)).toBe(unsent);
  expect(meaningOf(found, 10, false)).toBe(sent);
});

describe.each([
  ["READ allowed", { mayRead: true, describes: true }],
  ["READ denied", { mayRead: false, describes: true }],
  ["no DescribeProducers", { mayRead: true, describes: false }],
])("a broker that refuses stepped epochs (%s)", (_, rights) => {
  const started = (...counts: number[]) => {
    const world = new LaneWorld();
    Object.assign(world.broker, rights, { refusesSteps: true });
    world.put(...counts);
    return world;
  };

  test("a hole: a new producer goes on, nobody is accused, and it is said once", async () => {
    const world = started(3);
    world.shed(1_000);
    world.put(2, 2);
    world.skip(5);
    world.put(1);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
    expect(world.renewed).toEqual([]);
    expect(world.said.filter((name) => name === "kafka_epoch_refused")).toHaveLength(1);
    expect(world.said).not.toContain("kafka_session_fenced");
  });

  test("a session that was closed for its age", async () => {
    const world = started(3);
    await world.drain();
    world.advance(2 * day);
    world.put(2, 1);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test.each([false, true])("its first batch was not answered before (crash: %p)", async (crash) => {
    const world = started(3);
    await world.drain();
    world.skip(5);
    world.put(2, 1);
    world.broker.faults = ["request_lost"];
    expect(await world.step()).toBe("KAFKA_UNREACHABLE");
    if (crash) {
      world.reader.commit();
      world.crash();
    }
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    // Without one of the two nobody can tell whether that send arrived, so it is counted.
    expect(world.counted).toEqual(rights.mayRead && rights.describes ? {} : { maybe_repeated: 2 });
    expect(world.renewed).toEqual([]);
  });

  test.each([0, 1])("a log that lost what it acknowledged, but for %d batches", async (keep) => {
    const world = started(3);
    await world.drain();
    world.advance(2 * day);
    world.put(2, 4);
    await world.drain();
    world.broker.elect(keep);
    world.put(1, 2);
    expect(await world.drain()).toBe("idle");
    expect([...world.inTopic].sort()).toEqual([...world.written].sort());
    expect(world.counted).toEqual({});
    expect(world.renewed).toEqual([]);
  });
});

describe.each([true, false])(
  "a broker in memory that was started anew and knows no producer (stepped epochs refused: %p)",
  (refusesSteps) => {
    const restarted = async () => {
      const world = new LaneWorld();
      Object.assign(world.broker, { refusesSteps, describes: false, wantsKnown: true });
      world.put(3, 2, 4);
      await world.drain();
      world.broker.elect(0);
      world.broker.leader--;
      world.broker.forgetProducers();
      return world;
    };

    test("gets all that is kept, in order, under a producer of its own", async () => {
      const world = await restarted();
      world.broker.restart();
      world.put(1, 2);
      expect(await world.drain()).toBe("idle");
      expect(world.inTopic).toEqual(world.written);
      expect(world.renewed).toEqual([]);
    });

    test("also when nothing told that it was started", async () => {
      const world = await restarted();
      world.put(1, 2);
      expect(await world.drain()).toBe("idle");
      expect([...world.inTopic].sort()).toEqual([...world.written].sort());
      expect(world.renewed).toEqual([]);
    });
  },
);

test("a broker that never knows a producer is asked with pauses, not in a circle", async () => {
  const world = new LaneWorld();
  world.broker.faults = Array.from({ length: 50 }, () => ({ code: 59 }));
  world.put(3);
  for (let tries = 0; tries < 10; tries++) expect(await world.step()).toBe("KAFKA_UNKNOWN_OUTCOME");
  expect(world.broker.requests.filter((request) => request.startsWith("Produce")).length).toBeLessThan(25);
});

test("a newer epoch that the broker names is somebody else's, also when ours was never taken", async () => {
  const world = new LaneWorld();
  world.put(3);
  await world.drain();
  world.broker.takeOver("driving", 5);
  world.skip(5);
  world.put(2);
  expect(await world.drain()).toBe("KAFKA_SESSION_FENCED");
  expect(world.renewed).toHaveLength(1);
});

test.each([true, false])(
  "a fence while what a log lost is sent again stops the lane as well (READ allowed: %p)",
  async (mayRead) => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4);
    await world.drain();
    world.broker.elect(1);
    world.put(1);
    world.broker.faults = [{ code: 47 }];
    expect(await world.drain()).toBe("KAFKA_SESSION_FENCED");
  },
);
