import { describe, expect, test } from "bun:test";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { LaneWorld } from "./testing/lane-world.ts";

const day = 86_400_000;

describe("in the ordinary case", () => {
  test("batches go out once, in order, under one session", async () => {
    const world = new LaneWorld();
    world.put(3, 1, 5);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.broker.requests.filter((request) => request === "InitProducerId")).toHaveLength(1);
    expect(world.counted).toEqual({});
  });

  test("the session is stored before anything is sent", async () => {
    const world = new LaneWorld();
    world.put(3);
    world.broker.faults = ["request_lost"];
    expect(await world.step()).toBe("KAFKA_UNREACHABLE");
    expect([...world.reader.sessions.keys()]).toEqual(["kafka/cluster-1/driving/0", "kafka"]);
  });

  test("after a crash with everything acknowledged the same session goes on, after one question whether the log is as it was", async () => {
    const world = new LaneWorld();
    world.put(3);
    await world.drain();
    world.reader.commit();
    world.crash();
    world.put(2);
    await world.drain();
    expect(world.inTopic).toEqual(world.written);
    expect(world.broker.requests.filter((request) => request === "InitProducerId")).toHaveLength(1);
    expect(world.broker.requests.filter((request) => request === "DescribeProducers")).toHaveLength(1);
    expect(world.broker.requests.filter((request) => request.startsWith("Fetch"))).toEqual([]);
  });
});

describe("an unknown outcome", () => {
  test.each(["request_lost", "answer_lost"] as const)("%s: the same bytes again, once in the topic", async (fault) => {
    const world = new LaneWorld();
    world.put(3, 2, 4);
    await world.step();
    world.broker.faults = [fault, fault, fault];
    expect(await world.step()).toBe("KAFKA_UNREACHABLE");
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test.each([
    errors.REQUEST_TIMED_OUT,
    errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    errors.KAFKA_STORAGE_ERROR,
    errors.NOT_LEADER_OR_FOLLOWER,
    errors.NETWORK_EXCEPTION,
    99,
  ])("error %d leaves it open: sent again, whether it was appended or not", async (code) => {
    for (const appended of [true, false]) {
      const world = new LaneWorld();
      world.put(3, 2);
      world.broker.faults = [{ code, appended }];
      expect(await world.step()).toBe("KAFKA_UNKNOWN_OUTCOME");
      expect(await world.drain()).toBe("idle");
      expect(world.inTopic).toEqual(world.written);
    }
  });

  test.each([
    [errors.NOT_ENOUGH_REPLICAS, "KAFKA_NOT_ENOUGH_REPLICAS"],
    [errors.TOPIC_AUTHORIZATION_FAILED, "KAFKA_UNAUTHORIZED"],
    [errors.CLUSTER_AUTHORIZATION_FAILED, "KAFKA_UNAUTHORIZED"],
  ])("error %d says what is wrong and is tried again", async (code, named) => {
    const world = new LaneWorld();
    world.put(3);
    world.broker.faults = [{ code }];
    expect(await world.step()).toBe(named);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
  });
});

describe.each([true, false])("after a crash (READ allowed: %p)", (mayRead) => {
  test("what the log has is not sent again, however many batches it is", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(1, 1, 1, 1, 1, 1, 1, 1);
    for (let sent = 0; sent < 7; sent++) await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.crash();
    world.put(4);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test("and the broker restarted too, so that it knows only the last batch", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(2, 2, 2, 2, 2);
    await world.drain();
    world.crash();
    world.broker.restart();
    world.put(3);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test("a first batch that never arrived is sent", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3);
    world.broker.faults = ["request_lost"];
    await world.step();
    world.crash();
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test("a marker whose acknowledgement was lost is not sent twice", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3);
    world.shed(50);
    world.put(2);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.crash();
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });
});

describe("a broker that may have forgotten the producer", () => {
  test("READ allowed: the log is read back, and what is there is not sent again", async () => {
    const world = new LaneWorld();
    world.put(3, 2, 2);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.advance(2 * day);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
    expect(world.broker.requests.some((request) => request.startsWith("Fetch"))).toBe(true);
  });

  test("READ allowed: what is not there is sent", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    await world.step();
    world.broker.faults = ["request_lost"];
    await world.step();
    world.advance(2 * day);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test.each([true, false])(
    "after a crash and another boot the log is read back (crash before the ack: %p)",
    async (lost) => {
      const world = new LaneWorld();
      world.put(3, 2, 2, 4);
      await world.step();
      world.reader.commit();
      await world.step();
      world.broker.faults = [lost ? "answer_lost" : "request_lost"];
      await world.step();
      world.advance(2 * day);
      world.crash({ reboot: true });
      expect(await world.drain()).toBe("idle");
      expect(world.inTopic).toEqual(world.written);
      expect(world.counted).toEqual({});
    },
  );

  test("READ not allowed: sent again, and counted", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = false;
    world.put(3, 2, 4);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.advance(2 * day);
    expect(await world.drain()).toBe("idle");
    expect(world.counted).toEqual({ maybe_repeated: 2 });
    expect(world.said).toContain("kafka_maybe_repeated");
    expect(world.inTopic).toEqual([...world.written.slice(0, 5), ...world.written.slice(3)]);
  });

  test("READ not allowed, but it remembers after all: recognised and not counted", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = false;
    world.broker.expirationMs = 10 * day;
    world.put(3, 2, 4);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.advance(2 * day);
    expect(await world.drain()).toBe("idle");
    expect(world.counted).toEqual({});
    expect(world.inTopic).toEqual(world.written);
  });

  test("retention has deleted the part in question: sent, and counted", async () => {
    const world = new LaneWorld();
    world.put(3, 2, 4);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.advance(2 * day);
    world.broker.deleteOldest("driving", 2);
    expect(await world.drain()).toBe("idle");
    expect(world.counted).toEqual({ maybe_repeated: 2 });
  });

  test("a session that was idle that long is closed before the next batch", async () => {
    const world = new LaneWorld();
    world.put(3);
    await world.drain();
    world.advance(2 * day);
    world.put(2);
    await world.drain();
    expect(world.inTopic).toEqual(world.written);
    expect(JSON.parse(world.reader.sessions.get("kafka/cluster-1/driving/0") ?? "")).toMatchObject({
      producerEpoch: 1,
      first: 3,
    });
  });

  test("a batch whose only send was refused is not in doubt: no look-up, however long ago", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    await world.step();
    world.broker.faults = [{ code: errors.NOT_ENOUGH_REPLICAS }];
    await world.step();
    world.advance(2 * day);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.broker.requests).not.toContain("DescribeProducers");
  });

  test("a wall clock that jumps a year means nothing", async () => {
    const world = new LaneWorld();
    world.put(3, 2);
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.clock.setWall(world.clock.now() + 365 * day);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.broker.requests).not.toContain("DescribeProducers");
  });
});
