import { expect, test } from "bun:test";
import { formatAge, formatBytes, formatCount, formatShare } from "./format.ts";

test.each([
  [0, "0 s"],
  [999, "0 s"],
  [61_000, "1 min"],
  [7_200_000, "2 h"],
  [259_200_000, "3 d"],
  [-61_000, "1 min ahead"],
])("an age of %d ms is %s", (ms, wanted) => {
  expect(formatAge(ms)).toBe(wanted);
});

test("a share is 100 % only when nothing is missing", () => {
  expect(formatShare(1_000_000, 1_000_000)).toBe("100 %");
  expect(formatShare(999_999, 1_000_000)).toBe("99.99 %");
  expect(formatShare(1, 3)).toBe("33.3 %");
  expect(formatShare(0, 0)).toBe("–");
});

test("what nobody knows is a dash", () => {
  expect([formatCount(null), formatCount(undefined), formatCount(12_345)]).toEqual(["–", "–", "12,345"]);
  expect([formatBytes(12), formatBytes(2_048), formatBytes(3 << 20)]).toEqual(["12 B", "2.0 KiB", "3.0 MiB"]);
});
