import { expect, test } from "bun:test";
import { slownessOf, soonMs } from "./soon.ts";

test("a promise is kept as it is while there are cores for all, and grows with those who wait", () => {
  expect(slownessOf(0.4, 2)).toBe(1);
  expect(slownessOf(2, 2)).toBe(1);
  expect(slownessOf(9, 2)).toBe(4.5);
  expect(soonMs(1_000)).toBeGreaterThanOrEqual(1_000);
});
