import { expect, test } from "bun:test";
import { pollRestMs } from "./attention.ts";

test("a small folder is polled as often as the config says, however long a look at it took", () => {
  expect(pollRestMs(50, 1)).toBe(0);
  expect(pollRestMs(5_000, 256)).toBe(0);
});

test("a large folder is polled so seldom that looking takes a four-hundredth of the time", () => {
  expect(pollRestMs(50, 20_000)).toBe(20_000);
  expect(pollRestMs(5, 20_000)).toBe(0);
});
