import { expect, test } from "bun:test";
import { PartitionEnds } from "./partition-ends.ts";

const at = { topic: "drive", partition: 0 };

test("what a broker said last is told with its age", () => {
  const ends = new PartitionEnds();
  ends.told(at, { highWatermark: 7, endOffset: 9, logStartOffset: 1 }, 1_000);
  expect(ends.of(at, 4_000)).toEqual({ highWatermark: 7, endOffset: 9, logStartOffset: 1, untoldForMs: 3_000 });
  ends.looked(at, { highWatermark: 7, logStartOffset: 2 }, 4_500);
  expect(ends.of(at, 4_500)).toEqual({ highWatermark: 7, endOffset: 9, logStartOffset: 2, untoldForMs: 0 });
  ends.looked(at, { highWatermark: 25_000, logStartOffset: 2 }, 5_000);
  expect(ends.of(at, 5_000)).toMatchObject({ highWatermark: 25_000, endOffset: -1, untoldForMs: 0 });
});

test("a partition of which no broker speaks grows as old as the question", () => {
  const ends = new PartitionEnds();
  expect(ends.of(at, 1_000)).toMatchObject({ highWatermark: -1, untoldForMs: 0 });
  expect(ends.of(at, 31_000)).toMatchObject({ highWatermark: -1, untoldForMs: 30_000 });
});
