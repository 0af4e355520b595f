import { describe, expect, test } from "bun:test";
import { stampBatch } from "../../../shared/record-batch/header.ts";
import { testBatch } from "../../testing/fakes/test-batches.ts";
import { errors } from "./client/error-codes.ts";
import { World } from "./testing/world.ts";

const day = 86_400_000;

describe("in the ordinary case", () => {
  test("batches go out once, in order, under one session", async () => {
    const world = new World();
    world.put(3, 1, 5);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.broker.requests.filter((request) => request === "InitProducerId")).toHaveLength(1);
    expect(world.counted).toEqual({});
  });

  test("the session is stored before anything is sent", async () => {
    const world = new World();
    world.put(3);
    world.broker.faults = ["request_lost"];
    expect(await world.step()).toBe("KAFKA_UNREACHABLE");
    expect([...world.reader.sessions.keys()]).toEqual(["kafka/cluster-1/driving/0", "kafka"]);
  });

  test("after a crash with everything acknowledged the same session goes on, without a look-up", async () => {
    const world = new World();
    world.put(3);
    await world.drain();
    world.reader.commit();
    world.crash();
    world.put(2);
    await world.drain();
    expect(world.inTopic).toEqual(world.written);
    expect(world.broker.requests.filter((request) => request === "InitProducerId")).toHaveLength(1);
    expect(world.broker.requests).not.toContain("DescribeProducers");
  });
});

describe("an unknown outcome", () => {
  test.each(["request_lost", "answer_lost"] as const)("%s: the same bytes again, once in the topic", async (fault) => {
    const world = new World();
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
      const world = new World();
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
    const world = new World();
    world.put(3);
    world.broker.faults = [{ code }];
    expect(await world.step()).toBe(named);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
  });
});

describe.each([true, false])("after a crash (READ allowed: %p)", (mayRead) => {
  test("what the log has is not sent again, however many batches it is", async () => {
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
      const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
    world.put(3, 2);
    world.broker.faults = ["answer_lost"];
    await world.step();
    world.clock.setWall(world.clock.now() + 365 * day);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.broker.requests).not.toContain("DescribeProducers");
  });
});

describe("holes", () => {
  test("a marker travels in a session of its own, and so does what follows", async () => {
    const world = new World();
    world.put(3);
    world.shed(1_000);
    world.put(2, 2);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(JSON.parse(world.reader.sessions.get("kafka/cluster-1/driving/0") ?? "")).toMatchObject({
      producerEpoch: 2,
      first: 1_003,
    });
  });

  test("numbers that were taken out of the channel leave a hole, and a new session begins behind it", async () => {
    const world = new World();
    world.put(3);
    await world.drain();
    world.skip(40);
    world.put(2, 2);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.said).not.toContain("kafka_sequence_unexplained");
    expect(world.broker.requests).not.toContain("DescribeProducers");
  });

  test("too large: halves go out in its place, under the same session", async () => {
    const world = new World();
    world.put(2, 64, 2);
    world.broker.messageBytesMax = 330;
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.said).toContain("kafka_batch_split");
  });

  test("the first batch of a session too large: nothing behind it goes first", async () => {
    const world = new World();
    world.put(64, 2);
    world.broker.messageBytesMax = 330;
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
  });

  test.each([false, true])(
    "a single record refused: what follows goes on behind the hole (crash: %p)",
    async (crash) => {
      const world = new World();
      world.put(2, 1, 2);
      await world.step();
      world.broker.faults = [{ code: errors.MESSAGE_TOO_LARGE }];
      expect(await world.step()).toBe("refused");
      if (crash) {
        world.reader.commit();
        world.crash();
      }
      expect(await world.drain()).toBe("idle");
      expect(world.inTopic).toEqual(["line 0", "line 1", "line 3", "line 4"]);
      expect(world.reader.buried.map(({ batch }) => batch.first)).toEqual([2]);
      expect(world.counted).toEqual({});
    },
  );

  test("invalid for ever is refused at once; corrupt is tried three times", async () => {
    const world = new World();
    world.put(1, 1);
    world.broker.faults = [{ code: errors.INVALID_RECORD }];
    expect(await world.step()).toBe("refused");
    world.broker.faults = Array.from({ length: 3 }, () => ({ code: errors.CORRUPT_MESSAGE }));
    expect(await world.step()).toBe("KAFKA_UNKNOWN_OUTCOME");
    expect(await world.step()).toBe("KAFKA_UNKNOWN_OUTCOME");
    expect(await world.step()).toBe("refused");
  });
});

describe.each([true, false])("a broker that lost what it acknowledged (READ allowed: %p)", (mayRead) => {
  test("gets it again from what is kept, under the old numbers", async () => {
    const world = new World();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4, 1);
    for (let sent = 0; sent < 3; sent++) await world.step();
    world.broker.lose("driving", 2);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.said).toContain("kafka_resent_lost");
    expect(world.counted).toEqual({});
  });
});

test("what a broker lost and nobody keeps is counted, and the rest goes on", async () => {
  const world = new World();
  world.put(3, 2, 4, 1, 2);
  for (let sent = 0; sent < 4; sent++) await world.step();
  world.broker.lose("driving", 3);
  world.reader.forgetKept(9);
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual([...world.written.slice(0, 3), ...world.written.slice(9)]);
  expect(world.counted).toEqual({ lost_by_broker: 6 });
});

describe("somebody else", () => {
  test("47 stops the lane for good, alarms, and takes a new epoch", async () => {
    const world = new World();
    world.put(3, 2);
    await world.step();
    world.broker.faults = [{ code: errors.INVALID_PRODUCER_EPOCH }];
    expect(await world.step()).toBe("KAFKA_SESSION_FENCED");
    expect(await world.step()).toBe("KAFKA_SESSION_FENCED");
    expect(world.renewed).toHaveLength(1);
    expect(world.said).toContain("kafka_session_fenced");
  });

  test("after a restart a fenced lane goes on under a producer of its own", async () => {
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World();
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
    const world = new World({ topic: "elsewhere" });
    Object.assign(world.reader, { lane: { ...world.reader.lane, topic: "elsewhere" } });
    world.put(1);
    expect(await world.step()).toBe("KAFKA_TOPIC_MISSING");
    world.broker.addTopic("elsewhere");
    expect(await world.drain()).toBe("idle");
  });

  test("a missing one is created when the config says so", async () => {
    const world = new World({ createTopic: { partitions: 3 } });
    Object.assign(world.reader, { lane: { ...world.reader.lane, topic: "made" } });
    world.put(1);
    expect(await world.step()).toBe("KAFKA_TOPIC_MISSING");
    expect(await world.drain()).toBe("idle");
    expect(world.said).toContain("kafka_topic_created");
  });

  test("an agent's lane stays in its partition when the topic grows", async () => {
    const world = new World();
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
  const world = new World();
  world.broker.logAppendTime = false;
  world.put(2);
  world.advance(3 * day);
  world.broker.faults = [{ code: errors.INVALID_TIMESTAMP }, { code: errors.INVALID_TIMESTAMP }];
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
  expect(world.said).toContain("kafka_clock_ahead");
});
