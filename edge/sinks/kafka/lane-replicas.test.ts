/** A replicated log: only an acks=all success, to a batch or to a later one, or the log below the high watermark proves it. */
import { describe, expect, test } from "bun:test";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { LaneWorld } from "./testing/lane-world.ts";

const day = 86_400_000;

describe.each([true, false])("a leader whose followers do not have the batch (READ allowed: %p)", (mayRead) => {
  test.each([false, true])("and the edge restarted: it reaches the next leader (rebooted: %p)", async (reboot) => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4);
    world.broker.replicating = false;
    expect(await world.step()).toBe("KAFKA_UNKNOWN_OUTCOME");
    world.crash({ reboot });
    for (let tries = 0; tries < 4; tries++) await world.step();
    expect(world.reader.heldCount).toBe(3);
    world.broker.elect();
    expect(await world.drain()).toBe("idle");
    expect(world.broker.committed("driving")).toEqual(world.written);
  });

  test("after batches that were committed", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4, 1);
    await world.step();
    await world.step();
    world.broker.replicating = false;
    await world.step();
    world.crash();
    for (let tries = 0; tries < 3; tries++) await world.step();
    world.broker.elect();
    expect(await world.drain()).toBe("idle");
    expect(world.broker.committed("driving")).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test("the followers catch up instead: once in the topic", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4);
    world.broker.replicating = false;
    for (let tries = 0; tries < 3; tries++) await world.step();
    world.crash();
    await world.step();
    world.broker.catchUp();
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });
});

test("for as long as the broker's memory: what only the leader has is neither ended nor sent again", async () => {
  const world = new LaneWorld();
  world.put(3, 2);
  await world.step();
  world.broker.replicating = false;
  await world.step();
  world.advance(day - 1_000);
  const sent = world.broker.requests.filter((request) => request.startsWith("Produce")).length;
  expect(await world.step()).toBe("KAFKA_UNKNOWN_OUTCOME");
  expect(world.broker.requests.filter((request) => request.startsWith("Produce"))).toHaveLength(sent);
  world.broker.elect();
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
  expect(world.counted).toEqual({});
});

describe("46, which says that the leader has it", () => {
  test.each([true, false])("is no proof by itself (READ allowed: %p)", async (mayRead) => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.broker.saysDuplicate = true;
    world.put(3, 2, 4);
    await world.step();
    world.broker.replicating = false;
    await world.step();
    for (let tries = 0; tries < 3; tries++) await world.step();
    expect(world.reader.heldCount).toBe(2);
    world.broker.elect();
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
  });

  test("read below the high watermark, it is", async () => {
    const world = new LaneWorld();
    world.broker.saysDuplicate = true;
    world.put(3, 2);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test("without READ the next batch proves it", async () => {
    const world = new LaneWorld();
    world.broker.saysDuplicate = true;
    world.broker.mayRead = false;
    world.put(3, 2);
    await world.step();
    world.broker.faults = ["answer_lost"];
    await world.step();
    expect(await world.step()).toBe("KAFKA_UNKNOWN_OUTCOME");
    world.put(1);
    for (let tries = 0; tries < 4; tries++) await world.step();
    world.broker.saysDuplicate = false;
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
  });
});

test.each([errors.NONE, errors.DUPLICATE_SEQUENCE_NUMBER])(
  "an answer without an offset (−1) is no reset of the log (code %d)",
  async (code) => {
    const world = new LaneWorld();
    world.put(3, 2, 4);
    await world.step();
    world.broker.faults = [{ code, appended: true }];
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.said).not.toContain("kafka_resent_lost");
    expect(world.reader.sessions.get("kafka/cluster-1/driving/0")).not.toContain("cutBefore");
    expect(world.counted).toEqual({});
  },
);

test("without the right to read, each new connection costs one question for the end of the log, and no more", async () => {
  const world = new LaneWorld();
  world.broker.mayRead = false;
  world.put(3, 2, 4);
  await world.drain();
  const asked = () => world.broker.requests.filter((request) => request === "ListOffsets").length;
  const before = asked();
  world.put(1, 1);
  await world.drain();
  expect(asked()).toBe(before);
  world.broker.connected = false;
  world.put(1, 1);
  await world.drain();
  expect(asked()).toBe(before + 1);
  expect(world.inTopic).toEqual(world.written);
});

const sorted = (values: readonly string[]) => [...values].sort();

describe.each([true, false])("a log that an unclean election cut back (READ allowed: %p)", (mayRead) => {
  test.each([0, 1, 2])("to %d batches: what was lost is sent again from what is kept", async (keep) => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4);
    await world.drain();
    world.broker.elect(keep);
    world.put(1, 2);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test.each([0, 1, 2])("to %d batches while the edge was away: in order again", async (keep) => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4);
    await world.drain();
    world.reader.commit();
    world.crash();
    world.broker.elect(keep);
    world.put(1, 2);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written);
    expect(world.counted).toEqual({});
  });

  test.each([0, 1, 2])(
    "to %d batches by the same broker, which came back with an old disk: in order again",
    async (keep) => {
      const world = new LaneWorld();
      world.broker.mayRead = mayRead;
      world.put(3, 2, 4);
      await world.drain();
      world.broker.elect(keep);
      world.broker.leader--;
      world.broker.restart();
      world.put(1, 2);
      expect(await world.drain()).toBe("idle");
      expect(world.inTopic).toEqual(world.written);
      expect(world.counted).toEqual({});
    },
  );

  test("to nothing, and nothing is kept: counted", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4);
    await world.drain();
    world.broker.elect(0);
    world.reader.forgetKept(5);
    world.put(1, 2);
    expect(await world.drain()).toBe("idle");
    expect(sorted(world.inTopic)).toEqual(sorted(world.written.slice(5)));
    expect(world.counted).toEqual({ lost_by_broker: 5 });
  });

  test("to nothing, twice: what is lost for good is counted once", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2, 4);
    await world.drain();
    world.broker.elect(0);
    world.reader.forgetKept(5);
    world.put(1, 2);
    await world.drain();
    world.broker.elect(0);
    world.put(1);
    expect(await world.drain()).toBe("idle");
    expect(sorted(world.inTopic)).toEqual(sorted(world.written.slice(5)));
    expect(world.counted).toEqual({ lost_by_broker: 5 });
  });

  test("to nothing while a session is younger than the loss: what earlier ones sent is sent again too", async () => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(3, 2);
    await world.drain();
    world.advance(2 * day);
    world.put(4);
    await world.drain();
    world.broker.elect(0);
    world.put(1, 2);
    expect(await world.drain()).toBe("idle");
    expect(sorted(world.inTopic)).toEqual(sorted(world.written));
    expect(world.counted).toEqual({});
  });

  test.each([1, 2, 3, 4])(
    "and the edge killed in the middle of sending again (after %d requests)",
    async (requests) => {
      const world = new LaneWorld();
      world.broker.mayRead = mayRead;
      world.put(3, 2, 4);
      await world.drain();
      world.reader.commit();
      world.broker.elect(0);
      world.put(1, 2);
      world.broker.faults = [...Array.from({ length: requests }, () => undefined), "answer_lost"];
      for (let tries = 0; tries < 3 && world.broker.faults.length > 0; tries++) await world.step();
      world.crash();
      expect(await world.drain()).toBe("idle");
      expect(sorted(world.inTopic)).toEqual(sorted(world.written));
      expect(world.counted).toEqual({});
    },
  );
});

test.each([true, false])(
  "what is sent again is cut when the topic takes less than it did (READ allowed: %p)",
  async (mayRead) => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(64, 2);
    await world.drain();
    world.broker.elect(0);
    world.broker.messageBytesMax = 330;
    world.put(1);
    expect(await world.drain()).toBe("idle");
    expect(sorted(world.inTopic)).toEqual(sorted(world.written));
    expect(world.counted).toEqual({});
  },
);

describe.each([true, false])("a kept record that its topic does not take any more (READ allowed: %p)", (mayRead) => {
  const shrunk = async (...counts: number[]) => {
    const world = new LaneWorld();
    world.broker.mayRead = mayRead;
    world.put(...counts);
    await world.drain();
    return world;
  };
  const smallest = 200;

  test.each([0, 1])("is counted, and what lies around it goes out again (%d batches are left)", async (keep) => {
    const world = await shrunk(2);
    world.putLarge();
    world.put(3);
    await world.drain();
    world.broker.elect(keep);
    world.broker.messageBytesMax = smallest;
    world.put(1, 1);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written.filter((_, seq) => seq !== 2));
    // Where nobody says what a log that was cut back still has, what lies behind the hole may be there already.
    const blind = !mayRead && keep > 0;
    expect(world.counted).toEqual({ lost_by_broker: 1, ...(blind ? { maybe_repeated: 3 } : {}) });
  });

  test("in the middle of a batch: its neighbours go out again", async () => {
    const world = await shrunk(2);
    world.putLarge(8);
    world.put(1);
    await world.drain();
    world.broker.elect(0);
    world.broker.messageBytesMax = smallest;
    world.put(1);
    expect(await world.drain()).toBe("idle");
    expect(world.inTopic).toEqual(world.written.filter((_, seq) => seq !== 6));
    expect(world.counted).toEqual({ lost_by_broker: 1 });
  });

  test("as the last one, and found out by the answer alone", async () => {
    const world = await shrunk(2);
    world.putLarge();
    await world.drain();
    world.broker.elect(0);
    world.broker.leader--;
    world.broker.messageBytesMax = smallest;
    world.put(1);
    expect(await world.drain()).toBe("idle");
    expect(sorted(world.inTopic)).toEqual(sorted(world.written.filter((_, seq) => seq !== 2)));
    expect(world.counted).toEqual({ lost_by_broker: 1 });
  });
});

test("where we may read, a log that was cut back and has grown past the mark by others' records is noticed too", async () => {
  const world = new LaneWorld();
  world.put(3, 2, 4);
  await world.drain();
  world.broker.elect(0);
  world.broker.writeForeign("driving", 50);
  world.put(1);
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
  expect(world.said).toContain("kafka_resent_lost");
});

test("a leader that has forgotten the producer, but not its batches, gets nothing twice", async () => {
  const world = new LaneWorld();
  world.put(3, 2, 4);
  await world.drain();
  world.broker.elect();
  world.broker.forgetProducers();
  world.put(1);
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
  expect(world.said).not.toContain("kafka_resent_lost");
});
