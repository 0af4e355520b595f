import { expect, test } from "bun:test";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { sinkContract } from "../../testing/contracts/sink.contract.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import { LaneWorld } from "./testing/lane-world.ts";

sinkContract("kafka", async () => {
  const world = new LaneWorld();
  return {
    sink: world.sink,
    received: async () => world.inTopic,
    failNext: (when) => void world.broker.faults.push(when === "before" ? "request_lost" : "answer_lost"),
    takeAway: () => {
      world.broker.down = true;
    },
    dispose: () => world.sink.stop(),
  };
});

const never = new AbortController().signal;

test("batches of several lanes that are ready together share a request", async () => {
  const world = new LaneWorld({ partition: "key" });
  world.broker.grow("driving", 8);
  const readers = Array.from({ length: 8 }, (_, partition) => {
    const part = { index: partition, parts: 8, generation: 1 };
    const reader = new ArrayReader(testLane("driving", { id: partition + 1, number: partition, part }));
    reader.put(...testBatches(reader.lane, 2, 3));
    return { reader, delivery: world.sink.lane(reader) };
  });
  const deliverAll = () =>
    Promise.all(
      readers.map(async ({ reader, delivery }) => {
        const batch = reader.next();
        if (batch !== undefined) reader.end(batch, await delivery.deliver(batch, never));
      }),
    );
  await deliverAll();
  const before = world.broker.requests.length;
  await deliverAll();
  expect(world.broker.requests.slice(before)).toEqual(["Produce 8"]);
});

test("two lanes of one partition never share a request", async () => {
  const world = new LaneWorld();
  const lanes = [1, 2, 3].map((id) => {
    const reader = new ArrayReader(testLane("driving", { id, stream: `stream-${id}` }));
    reader.put(...testBatches(reader.lane, 3, 2));
    return { reader, delivery: world.sink.lane(reader) };
  });
  for (let turn = 0; turn < 3; turn++) {
    await Promise.all(
      lanes.map(async ({ reader, delivery }) => {
        const batch = reader.next();
        if (batch !== undefined) reader.end(batch, await delivery.deliver(batch, never));
      }),
    );
  }
  expect(world.inTopic).toHaveLength(18);
  expect(world.broker.requests.filter((request) => request.startsWith("Produce"))).toEqual(
    Array.from({ length: 9 }, () => "Produce 1"),
  );
});

test("a broker that throttles is left alone for as long as it asks", async () => {
  const world = new LaneWorld();
  world.put(1, 1);
  world.broker.throttleMs = 40;
  await world.step();
  const askedMs = performance.now();
  const second = world.step();
  const ticking = setInterval(() => world.advance(5), 5);
  await second;
  clearInterval(ticking);
  expect(performance.now() - askedMs).toBeGreaterThan(30);
  expect(world.metrics.render()).toContain('tailgate_kafka_throttled_milliseconds_total{sink="kafka"} 80');
});

test("a lane says where it sends to and as whom, and what it failed with", async () => {
  const world = new LaneWorld();
  world.put(1, 1);
  expect(world.laneStatus).toEqual({ partition: undefined, leader: undefined, producer: undefined, failed: undefined });
  await world.step();
  expect(world.laneStatus).toEqual({ partition: 0, leader: "1 (broker:9092)", producer: "7.0", failed: undefined });
  world.broker.faults = [{ code: errors.INVALID_PRODUCER_EPOCH }];
  await world.step();
  expect(world.laneStatus).toMatchObject({ failed: "KAFKA_SESSION_FENCED" });
});
