import { expect, test } from "bun:test";
import { ClockCorrection, clockIsUnset, timestampShift } from "./timestamps.ts";

const nowMs = 1_795_000_000_000;
const hour = 3_600_000;
const day = 24 * hour;
const createTime = { logAppendTime: false, retentionMs: 7 * day, producerIdExpirationMs: day, nowMs };

test.each([
  ["a minute old", nowMs - 60_000, 0],
  ["two hours old: the broker would soon forget its sender", nowMs - 2 * hour, 2 * hour],
  ["an hour ahead: refused", nowMs + hour, -hour],
  ["a minute ahead", nowMs + 60_000, 0],
])("%s", (_, maxTimestampMs, shiftMs) => {
  expect(timestampShift(maxTimestampMs, createTime)).toBe(shiftMs);
  expect(timestampShift(maxTimestampMs, { ...createTime, logAppendTime: undefined })).toBe(shiftMs);
  expect(timestampShift(maxTimestampMs, { ...createTime, logAppendTime: true })).toBe(0);
});

test("short retention and short memory narrow what is left alone", () => {
  const late = nowMs - 40 * 60_000;
  expect(timestampShift(late, createTime)).toBe(0);
  expect(timestampShift(late, { ...createTime, retentionMs: hour })).toBe(40 * 60_000);
  expect(timestampShift(late, { ...createTime, producerIdExpirationMs: hour })).toBe(40 * 60_000);
});

test("once moved it is in order: the repeat has the same bytes", () => {
  const shiftMs = timestampShift(nowMs - 3 * day, createTime);
  expect(timestampShift(nowMs - 3 * day + shiftMs, { ...createTime, nowMs: nowMs + 60_000 })).toBe(0);
});

test("nothing is moved to 1970", () => {
  const unset = { ...createTime, nowMs: 5_000 };
  expect(clockIsUnset(unset)).toBe(true);
  expect(timestampShift(nowMs, unset)).toBe(0);
  expect(clockIsUnset({ ...unset, logAppendTime: true })).toBe(false);
});

test("the guess of how far our clock is ahead doubles, and ends at the earliest time it can be", () => {
  const correction = new ClockCorrection();
  const wallMs = nowMs + 7_168 * day;
  let steps = 0;
  while (correction.stepBack(wallMs)) steps++;
  expect(steps).toBeLessThan(30);
  expect(clockIsUnset({ ...createTime, nowMs: correction.nowMs(wallMs) })).toBe(false);
  expect(correction.nowMs(wallMs)).toBeLessThanOrEqual(nowMs);
});

test("a clock that was set right meanwhile is not corrected any more", () => {
  const correction = new ClockCorrection();
  while (correction.stepBack(nowMs + 7_168 * day));
  expect(correction.nowMs(nowMs)).toBe(nowMs);
});
