import { expect, test } from "bun:test";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import type { SingleMessage } from "../../core/sink.ts";
import { LaneWorld } from "./testing/lane-world.ts";

const message: SingleMessage = {
  topic: "beats",
  key: "gw-1",
  value: "{}",
  identity: "gw-1/e1/heartbeat.0/1@1700000000000",
  timeMs: 1_700_000_000_000,
};
const soon = () => AbortSignal.timeout(2_000);

test("a message is one record under its key, sent once, and touches no producer's session", async () => {
  const world = new LaneWorld();
  world.broker.addTopic("beats");
  world.put(2);
  expect(await world.step()).toBe("delivered");
  await world.sink.tell(message, soon());
  await world.sink.tell({ ...message, value: "{2}" }, soon());
  world.put(1);
  expect(await world.step()).toBe("delivered");
  const records = world.broker.batches("beats").flatMap((bytes) => [...decodeRecords(bytes)]);
  expect(records.map(({ key, value }) => [`${key}`, `${value}`])).toEqual([
    ["gw-1", "{}"],
    ["gw-1", "{2}"],
  ]);
  expect(world.broker.values("driving")).toEqual(world.written);
});

test("what is not answered is not sent again, and the next one asks anew who leads", async () => {
  const world = new LaneWorld();
  world.broker.addTopic("beats");
  world.broker.faults = ["answer_lost"];
  expect(await rejection(world.sink.tell(message, soon()))).toMatch(/^KAFKA_/);
  expect(world.broker.values("beats")).toEqual(["{}"]);
  world.broker.elect();
  await world.sink.tell({ ...message, value: "{2}" }, soon());
  expect(world.broker.values("beats")).toEqual(["{}", "{2}"]);
});

test("a missing topic is made where the sink may make topics; elsewhere it says what to do", async () => {
  const without = new LaneWorld();
  expect(await rejection(without.sink.tell(message, soon()))).toBe("KAFKA_TOPIC_MISSING");
  const world = new LaneWorld({ createTopic: {} });
  await world.sink.tell(message, soon()).catch(() => world.sink.tell(message, soon()));
  expect(world.broker.values("beats")).toEqual(["{}"]);
});

test("a broker that is away is said", async () => {
  const world = new LaneWorld();
  world.broker.addTopic("beats");
  world.broker.down = true;
  expect(await rejection(world.sink.tell(message, soon()))).toBe("KAFKA_UNREACHABLE");
});

async function rejection(work: Promise<void>): Promise<string> {
  try {
    await work;
    return "resolved";
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
  }
}
