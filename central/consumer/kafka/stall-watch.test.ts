import { expect, test } from "bun:test";
import { StallWatch, stallMs } from "./stall-watch.ts";

test("a partition with something to read and nothing coming is stalled, an idle one is not", () => {
  const watch = new StallWatch();
  for (const key of ["stuck", "idle", "empty"]) watch.moved(key, key === "empty" ? -1 : 5, 0);
  for (let nowMs = 0; nowMs <= stallMs; nowMs += 1_000) {
    watch.seen("stuck", 6, 0, nowMs);
    watch.seen("idle", 5, 0, nowMs);
    watch.seen("empty", 1_000, 1_000, nowMs); // its log begins where it ends
  }
  expect(watch.stalledForMs("stuck", stallMs)).toBe(stallMs);
  expect(watch.stalledForMs("idle", stallMs)).toBe(0);
  expect(watch.stalledForMs("empty", stallMs)).toBe(0);
});

test("what holds up everything is no stall, and what moves is none any more", () => {
  const watch = new StallWatch();
  watch.moved("a", 0, 0);
  watch.seen("a", 9, 0, 1_000);
  watch.held(stallMs);
  expect(watch.stalledForMs("a", stallMs + 1)).toBe(0);
  watch.seen("a", 9, 0, 2 * stallMs - 500);
  expect(watch.stalledForMs("a", 2 * stallMs)).toBe(stallMs);
  watch.moved("a", 3, 2 * stallMs);
  expect(watch.stalledForMs("a", 2 * stallMs)).toBe(0);
});

test("a broker that is away accuses nobody: not what was idle, and not what had more to read", () => {
  const watch = new StallWatch();
  for (const key of ["idle", "behind"]) watch.moved(key, 5, 0);
  watch.seen("idle", 5, 0, 1_000);
  watch.seen("behind", 9, 0, 1_000);
  for (const nowMs of [stallMs, stallMs + 1_000, 10 * stallMs]) {
    expect([watch.stalledForMs("idle", nowMs), watch.stalledForMs("behind", nowMs)]).toEqual([0, 0]);
  }
  // It is back, says that there is more, and nothing comes.
  watch.seen("behind", 9, 0, 10 * stallMs);
  expect(watch.stalledForMs("behind", 10 * stallMs)).toBe(10 * stallMs);
});

test("before it is known where reading goes on nothing is said", () => {
  const watch = new StallWatch();
  watch.moved("a", 0, 0);
  watch.clear();
  watch.seen("a", 9, 0, 0);
  expect(watch.stalledForMs("a", 10 * stallMs)).toBe(0);
});

test("a log that begins after the place where reading goes on has outrun it, until reading goes on there", () => {
  const watch = new StallWatch();
  expect(watch.isOutrun("a", 9)).toBe(false);
  watch.moved("a", -1, 0); // from the start, wherever it is
  expect(watch.isOutrun("a", 9)).toBe(false);
  watch.moved("a", 8, 0);
  expect(watch.isOutrun("a", 8)).toBe(false);
  expect(watch.isOutrun("a", 9)).toBe(true);
  watch.moved("a", 9, 0);
  expect(watch.isOutrun("a", 9)).toBe(false);
});
