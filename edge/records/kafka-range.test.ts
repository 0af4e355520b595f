import { expect, test } from "bun:test";
import { shares } from "./kafka-range.ts";

test("each member has consecutive partitions of the topics that it asked for, as Kafka's RangeAssignor has it", () => {
  const members = [
    { memberId: "b", topics: ["a", "z"] },
    { memberId: "a", topics: ["a"] },
    { memberId: "c", topics: ["nobody's"] },
  ];
  const partitions = new Map([
    ["a", [2, 0, 1]],
    ["z", [0, 1]],
    ["nobody's", []],
  ]);
  expect(Object.fromEntries(shares(members, partitions))).toEqual({
    a: { a: [0, 1] },
    b: { a: [2], z: [0, 1] },
    c: {},
  });
});
