import { expect, test } from "bun:test";
import { World } from "./testing/world.ts";

test("after a delivery that failed another broker is asked than the one whose word was followed", async () => {
  const world = new World();
  const doubted: string[] = [];
  world.broker.askOthersFirst = (broker) => void doubted.push(broker);
  world.put(3, 3);
  await world.step();
  expect(doubted).toEqual([]);
  // REQUEST_TIMED_OUT: what a leader that was cut off from its followers answers, for ever.
  world.broker.faults.push({ code: 7 });
  await world.step();
  expect(doubted).toEqual(["broker:9092"]);
});

test("a broker that knows nothing of the topic may be the only one", async () => {
  const world = new World();
  const doubted: string[] = [];
  world.broker.askOthersFirst = (broker) => void doubted.push(broker);
  const { topic } = world.broker;
  world.broker.topic = async () => ({ ...(await topic.call(world.broker, "driving")), errorCode: 3, leaders: [] });
  world.put(3);
  await world.step();
  expect(doubted).toEqual(["broker:9092"]);
});
