import { expect, test } from "bun:test";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import type { PositionUpdate } from "../../core/channel-store.ts";
import { makeBatch, plainChoice, spec } from "../../testing/contracts/batches.ts";
import { createMemoryChannels } from "./memory-channels.ts";

function open(clock = new VirtualClock()) {
  const delivered: string[] = [];
  const memory = createMemoryChannels({
    agent: "agent",
    channels: new Map([
      ["main", plainChoice("memory")],
      ["other", plainChoice("memory")],
    ]),
    epoch: "epoch",
    onDelivered: (positions) => delivered.push(...positions.map(({ value }) => String(value))),
    clock,
  });
  const channel = (name: string) => {
    const found = memory.channels.get(name);
    if (found === undefined) throw new Error(`no channel ${name}`);
    return found;
  };
  return { memory, delivered, main: channel("main"), other: channel("other") };
}

const at = (value: string): PositionUpdate[] => [{ stream: "driving", key: "a.log", value }];

test("a position is delivered when all batches put with it, and all before, have ended", () => {
  const { memory, delivered, main, other } = open();
  const lane = main.createLane(spec);
  const second = other.createLane({ ...spec, channel: "other" });
  memory.put([makeBatch(lane, 0, 1), makeBatch(second, 0, 1)], at("1"));
  memory.put([makeBatch(lane, 1, 1)], at("2"));
  memory.put([], at("3"));
  const acknowledge = (reader: ReturnType<typeof main.reader>) => {
    const batch = reader.next();
    if (batch !== undefined) reader.acknowledge(batch, undefined);
  };
  acknowledge(main.reader(lane));
  acknowledge(main.reader(lane));
  expect(delivered).toEqual([]);
  acknowledge(other.reader(second));
  expect(delivered).toEqual(["1", "2", "3"]);
  memory.put([], at("4"));
  expect(delivered).toEqual(["1", "2", "3", "4"]);
});

test("what was buried, split or shed has ended too", () => {
  const { memory, delivered, main } = open();
  const lane = main.createLane(spec);
  memory.put([makeBatch(lane, 0, 2)], at("1"));
  memory.put([makeBatch(lane, 2, 2)], at("2"));
  const reader = main.reader(lane);
  const first = reader.next();
  if (first !== undefined) reader.bury(first, "refused");
  expect(delivered).toEqual(["1"]);
  const marker = reader.next();
  if (marker !== undefined) reader.acknowledge(marker, undefined);
  const whole = reader.next();
  if (whole !== undefined) reader.replace(whole, [makeBatch(lane, 2, 1), makeBatch(lane, 3, 1)]);
  for (const expected of [["1"], ["1", "2"]]) {
    const part = reader.next();
    if (part !== undefined) reader.acknowledge(part, undefined);
    expect(delivered).toEqual(expected);
  }
});

test("lanes of one stream in two channels have two numbers, and an epoch that the next start does not have", () => {
  const clock = new VirtualClock();
  const start = () => {
    const { main, other } = open(clock);
    return [main.createLane(spec), other.createLane({ ...spec, channel: "other" })];
  };
  const lanes = start();
  expect(lanes.map(({ number }) => number)).toEqual([0, 1]);
  expect(lanes[0]?.epoch).toMatch(/^epoch-[0-9a-f]{8}$/);
  expect(lanes[1]?.epoch).toBe(lanes[0]?.epoch ?? "");
  clock.advance(10);
  expect(start()[0]?.epoch).not.toBe(lanes[0]?.epoch ?? "");
});
