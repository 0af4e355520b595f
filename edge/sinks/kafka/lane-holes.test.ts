import { describe, expect, test } from "bun:test";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { LaneWorld } from "./testing/lane-world.ts";

describe("holes", () => {
  test("a marker travels in a session of its own, and so does what follows", async () => {
    const world = new LaneWorld();
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
    const world = new LaneWorld();
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
    const world = new LaneWorld();
    world.put(2, 64, 2);
    world.broker.messageBytesMax = 330;
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.said).toContain("kafka_batch_split");
  });

  test("the first batch of a session too large: nothing behind it goes first", async () => {
    const world = new LaneWorld();
    world.put(64, 2);
    world.broker.messageBytesMax = 330;
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
  });

  test.each([false, true])(
    "a single record refused: what follows goes on behind the hole (crash: %p)",
    async (crash) => {
      const world = new LaneWorld();
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
    const world = new LaneWorld();
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
    const world = new LaneWorld();
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
  const world = new LaneWorld();
  world.put(3, 2, 4, 1, 2);
  for (let sent = 0; sent < 4; sent++) await world.step();
  world.broker.lose("driving", 3);
  world.reader.forgetKept(9);
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual([...world.written.slice(0, 3), ...world.written.slice(9)]);
  expect(world.counted).toEqual({ lost_by_broker: 6 });
});
