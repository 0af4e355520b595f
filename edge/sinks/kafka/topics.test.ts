import { expect, test } from "bun:test";
import { EventView } from "../../core/event-view.ts";
import { configSchema } from "./config.ts";
import { CreationRate } from "./creation-rate.ts";
import { layoutOf } from "./layout.ts";
import { LaneWorld } from "./testing/lane-world.ts";

test("after a delivery that failed another broker is asked than the one whose word was followed", async () => {
  const world = new LaneWorld();
  const doubted: string[] = [];
  world.broker.askOthersFirst = (broker) => void doubted.push(broker);
  world.put(3, 3);
  await world.step();
  expect(doubted).toEqual([]);
  // REQUEST_TIMED_OUT: what a leader that was cut off from its followers answers, for ever.
  world.broker.faults.push({ code: 7 });
  await world.step();
  expect(new Set(doubted)).toEqual(new Set(["broker:9092"]));
});

test("the leader with whom it did not work is asked after all others, whoever named it", async () => {
  const world = new LaneWorld();
  const doubted: string[] = [];
  world.broker.askOthersFirst = (broker) => void doubted.push(broker);
  const { topic } = world.broker;
  world.broker.topic = async () => ({ ...(await topic.call(world.broker, "driving")), askedBroker: "another:9092" });
  world.put(3, 3);
  await world.step();
  world.broker.faults.push({ code: 7 });
  await world.step();
  expect(doubted).toEqual(["another:9092", "broker:9092"]);
});

test("a broker that knows nothing of the topic may be the only one", async () => {
  const world = new LaneWorld();
  const doubted: string[] = [];
  world.broker.askOthersFirst = (broker) => void doubted.push(broker);
  const { topic } = world.broker;
  world.broker.topic = async () => ({ ...(await topic.call(world.broker, "driving")), errorCode: 3, leaders: [] });
  world.put(3);
  await world.step();
  expect(doubted).toEqual(["broker:9092"]);
});

test("topics are created no faster than the config says, and it goes on by itself", () => {
  const rate = new CreationRate(10, 0);
  const burst = Array.from({ length: 12 }, () => rate.takeOrWaitMs(0));
  expect(burst).toEqual([...Array.from({ length: 10 }, () => 0), 6_000, 6_000]);
  expect(rate.takeOrWaitMs(5_999)).toBe(1);
  expect(rate.takeOrWaitMs(6_000)).toBe(0);
  expect(rate.takeOrWaitMs(600_000)).toBe(0);
});

test("a missing topic that comes too soon after others waits for its turn", async () => {
  const world = new LaneWorld({ topic: "v-%{kind}", topicDefault: "rest", createTopic: { perMinute: 1 } });
  world.put(1);
  const answers: unknown[] = [];
  for (const group of ["made", "made-too"]) {
    Object.assign(world.reader, { lane: { ...world.reader.lane, group } });
    const batch = world.reader.next();
    if (batch === undefined) throw new Error("nothing put");
    const delivery = world.sink.lane(world.reader);
    answers.push(await delivery.deliver(batch, new AbortController().signal).catch((thrown: unknown) => thrown));
  }
  expect(answers).toMatchObject([{ kind: "delivered" }, { code: "KAFKA_TOPIC_MISSING", retryAfterMs: 60_000 }]);
});

test.each(["__consumer_offsets", "_schemas", "__transaction_state"])("a header never makes the topic %s", (name) => {
  const layout = layoutOf(
    configSchema().parse({ brokers: ["b:1"], topic: "%{kind}", topicDefault: "rest", topicsAllowed: ".*" }),
  );
  const view = new EventView();
  view.reset(Buffer.alloc(0), 0, 0, 0);
  view.setHeader("kind", name);
  expect(layout.group(view)).toBeUndefined();
  expect(configSchema().safeParse({ brokers: ["b:1"], topic: "__consumer_offsets" }).success).toBe(false);
});

test("of names that headers make, only those that are allowed are topics", () => {
  const layout = layoutOf(
    configSchema().parse({
      brokers: ["b:1"],
      topic: "v-%{kind}",
      topicDefault: "rest",
      topicsAllowed: "v-(truck|bus)",
    }),
  );
  const topicOf = (kind: string) => {
    const view = new EventView();
    view.reset(Buffer.alloc(0), 0, 0, 0);
    view.setHeader("kind", kind);
    return layout.group(view);
  };
  expect(["truck", "bus", "trucks", "x"].map(topicOf)).toEqual(["v-truck", "v-bus", undefined, undefined]);
});
