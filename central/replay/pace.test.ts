import { expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { Pace } from "./pace.ts";
import { RecordRate } from "./rate-limit.ts";

test("ten times as fast: after a second what came within ten is due", () => {
  const clock = new VirtualClock();
  const pace = new Pace(10, clock);
  expect(pace.dueMs()).toBe(Number.NEGATIVE_INFINITY);
  pace.begin(50_000);
  pace.begin(1); // the first one counts
  expect(pace.dueMs()).toBe(50_000);
  clock.advance(1_000);
  expect(pace.dueMs()).toBe(60_000);
  expect(pace.waitMs(65_000)).toBe(500);
  expect(pace.waitMs(40_000)).toBe(0);
});

test("without a speed everything is due", () => {
  const pace = new Pace(undefined, new VirtualClock());
  expect([pace.dueMs(), pace.waitMs(9e15)]).toEqual([Number.POSITIVE_INFINITY, 0]);
});

test("no more than the rate in a second, and nothing is saved up", async () => {
  const clock = new VirtualClock();
  const limit = new RecordRate(1_000, clock);
  const { signal } = new AbortController();
  expect(await limit.take(5_000, signal)).toBe(100); // a tenth of a second at the start
  clock.advance(60_000);
  expect(await limit.take(5_000, signal)).toBe(1_000);
  clock.advance(500);
  expect(await limit.take(5_000, signal)).toBe(500);
  limit.giveBack(200);
  expect(await limit.take(5_000, signal)).toBe(200);
});

test("a wait ends when it is told to", async () => {
  const stop = new AbortController();
  const limit = new RecordRate(1, new VirtualClock());
  const taking = limit.take(1, stop.signal);
  stop.abort();
  expect(await taking).toBe(0);
});
