import { expect, test } from "bun:test";
import { Gaps } from "./kafka-gaps.ts";

const gap = (partition: number, from: number, to: number) => ({ topic: "t", partition, from, to });

test("of offsets that were passed over, only those that the topic has deleted are lost", () => {
  const gaps = new Gaps();
  for (const each of [gap(0, 5, 9), gap(0, 20, 29), gap(0, 40, 41), gap(1, 0, 3)]) gaps.note(each);
  const ends = new Map([
    ["t/0", { low: 25, high: 60 }],
    ["t/1", { low: 0, high: 60 }],
  ]);
  expect(gaps.lost(ends)).toEqual([gap(0, 5, 9), gap(0, 20, 24)]);
  expect(gaps.lost(ends)).toEqual([]);
});
