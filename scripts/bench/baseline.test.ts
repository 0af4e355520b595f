import { expect, test } from "bun:test";
import { compare, GROSS_LOSS, loadBaseline } from "./baseline.ts";

const baseline = { throughputCpu: 2, interceptorsCpu: 3, lowRateCpu: 4, manyFilesCpu: 5 };

test("noise passes, a gross loss does not", () => {
  const noisy = compare({ throughputCpu: 3.9, interceptorsCpu: 2, lowRateCpu: 4, manyFilesCpu: 5 }, baseline);
  expect(noisy.every(({ passed }) => passed)).toBe(true);
  const slow = compare(
    { throughputCpu: 2 * GROSS_LOSS + 0.1, interceptorsCpu: 2, lowRateCpu: 4, manyFilesCpu: 5 },
    baseline,
  );
  expect(slow.filter(({ passed }) => !passed).map(({ measure }) => measure)).toEqual(["throughputCpu"]);
});

test("a measure that was never recorded fails", () => {
  const comparisons = compare({ throughputCpu: 1, interceptorsCpu: 1, lowRateCpu: 1, manyFilesCpu: 1 }, {});
  expect(comparisons.some(({ passed }) => passed)).toBe(false);
});

test("the stored baseline can be read", () => {
  expect(loadBaseline()).toBeObject();
});
