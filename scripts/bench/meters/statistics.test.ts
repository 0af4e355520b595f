import { expect, test } from "bun:test";
import { quantile, spreadOf } from "./statistics.ts";

test("the median of an odd count is the middle value, of an even count the mean of the middle two", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, runs: 3 });
  expect(spreadOf([4, 1, 3, 2]).median).toBe(2.5);
});

test("one slow run moves the range, not the median", () => {
  expect(spreadOf([1, 1, 1, 1, 100])).toEqual({ median: 1, min: 1, max: 100, runs: 5 });
});

test.each([
  [0, 10],
  [0.5, 15],
  [0.99, 19.9],
  [1, 20],
])("the quantile at %p is %p", (q, value) => {
  expect(quantile(Float64Array.of(10, 20), q)).toBeCloseTo(value, 9);
});

test("no values have no quantile", () => {
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});
