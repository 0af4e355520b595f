import { expect, test } from "bun:test";
import { editDistance, nearest, suggest } from "./nearest.ts";

test.each([
  ["", "", 0],
  ["kafka", "kafka", 0],
  ["kafak", "kafka", 1],
  ["kafk", "kafka", 1],
  ["sitting", "kitten", 3],
])("the distance of %p and %p is %d", (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

test.each([
  ["chanel", "channel"],
  ["broker", "brokers"],
  ["Topic", "topic"],
  ["data_dir", "dataDir"],
  ["regexfilter", "regex_filter"],
  ["xyzzy", undefined],
])("nearest to %p is %p", (word, expected) => {
  expect(nearest(word, ["channel", "brokers", "topic", "dataDir", "regex_filter"])).toBe(expected);
});

test("when nothing is near, all that is valid is shown, unless there is too much", () => {
  expect(suggest("xyzzy", ["tail", "spooldir"], "types")).toBe("types: tail, spooldir");
  expect(
    suggest(
      "xyzzy",
      Array.from({ length: 50 }, (_, n) => `name${n}`),
    ),
  ).toBeUndefined();
});
