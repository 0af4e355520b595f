import { expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import type { SelfKeptChannel } from "../core/channel.ts";
import type { PositionUpdate } from "../core/channel-store.ts";
import type { PutBatch } from "../core/stored-batch.ts";
import { makeBatch, spec } from "../testing/contracts/batches.ts";
import { memoryChannel } from "../testing/fakes/memory-channel.ts";
import { LatePositions } from "./late-positions.ts";

function open(clock = new VirtualClock()) {
  const delivered: string[] = [];
  const [main, other] = [memoryChannel("main", clock), memoryChannel("other", clock)];
  const late = new LatePositions(
    (name) => (name === "main" ? main : other),
    (positions) => delivered.push(...positions.map(({ value }) => String(value))),
  );
  const put = (batches: PutBatch[], positions: PositionUpdate[], stream = "driving") =>
    late.put({ stream, batches, positions });
  return { put, late, delivered, main, other };
}

const at = (value: string): PositionUpdate[] => [{ stream: "driving", key: "a.log", value }];

test("a position is delivered when all batches put with it, and all before, have ended", () => {
  const { put, delivered, main, other } = open();
  const lane = main.createLane(spec);
  const second = other.createLane({ ...spec, channel: "other" });
  put([makeBatch(lane, 0, 1), makeBatch(second, 0, 1)], at("1"));
  put([makeBatch(lane, 1, 1)], at("2"));
  put([], at("3"));
  const acknowledge = (reader: ReturnType<typeof main.reader>) => {
    const batch = reader.next();
    if (batch !== undefined) reader.acknowledge(batch, undefined);
  };
  acknowledge(main.reader(lane));
  acknowledge(main.reader(lane));
  expect(delivered).toEqual([]);
  acknowledge(other.reader(second));
  expect(delivered).toEqual(["1", "2", "3"]);
  put([], at("4"));
  expect(delivered).toEqual(["1", "2", "3", "4"]);
});

test("what was buried, split or shed has ended too", () => {
  const { put, delivered, main } = open();
  const lane = main.createLane(spec);
  put([makeBatch(lane, 0, 2)], at("1"));
  put([makeBatch(lane, 2, 2)], at("2"));
  const reader = main.reader(lane);
  const first = reader.next();
  if (first !== undefined) reader.bury(first);
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

test("a stream that waits holds up no other", () => {
  const { put, late, delivered, main } = open();
  const [lane, second] = [main.createLane(spec), main.createLane({ ...spec, stream: "status" })];
  put([makeBatch(lane, 0, 1)], at("1"));
  put([makeBatch(second, 0, 1)], [{ stream: "status", key: "b.log", value: "2" }], "status");
  const reader = main.reader(second);
  const batch = reader.next();
  if (batch !== undefined) reader.acknowledge(batch, undefined);
  expect(delivered).toEqual(["2"]);
  expect([late.isWaiting("driving"), late.isWaiting("status")]).toEqual([true, false]);
});

test("what a channel keeps elsewhere is waited for until it has it, and only what was put before", async () => {
  const ends: (() => void)[] = [];
  const channel: SelfKeptChannel = Object.assign(memoryChannel("main", new VirtualClock()), {
    keeping: "elsewhere" as const,
    put: (batches: readonly PutBatch[], ended: () => void) => void ends.push(...batches.map(() => ended)),
  });
  const late = new LatePositions(
    () => channel,
    () => {},
  );
  const never = new AbortController().signal;
  const lane = channel.createLane(spec);
  const put = (first: number) =>
    late.put({ stream: "driving", batches: [makeBatch(lane, first, 1), makeBatch(lane, first + 1, 1)], positions: [] });
  expect(await late.passedOn("driving", never)).toBe(true);
  put(0);
  expect(await late.passedOn("driving", AbortSignal.timeout(1))).toBe(false);
  let passed = false;
  const waiting = late.passedOn("driving", never).then((answer) => {
    passed = answer;
  });
  put(2);
  ends[0]?.();
  await Bun.sleep(0);
  expect(passed).toBe(false);
  ends[1]?.();
  await waiting;
  expect(passed).toBe(true);
  expect(await late.passedOn("driving", AbortSignal.timeout(1))).toBe(false);
});

test("lanes of one stream in two channels have two identities, and the next start has others", () => {
  const clock = new VirtualClock();
  const start = () => {
    const { main, other } = open(clock);
    const lanes = [main.createLane(spec), other.createLane({ ...spec, channel: "other" })];
    return lanes.map(({ epoch, number }) => `${epoch}/${number}`);
  };
  const first = start();
  expect(first[0]).toMatch(/^epoch-[0-9a-f]{8}\/0$/);
  clock.advance(10);
  expect(new Set([...first, ...start()]).size).toBe(4);
});
