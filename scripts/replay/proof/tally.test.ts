import { expect, test } from "bun:test";
import { NumberedLines } from "./numbered-lines.ts";
import { complete, Tally } from "./tally.ts";

const lines = new NumberedLines({ cars: 2 });
const line = (n: number) => Buffer.from(lines.text(n));

function tallyOf(...numbers: number[]): Tally {
  const tally = new Tally(lines);
  for (const n of numbers) tally.add(line(n), 0);
  return tally;
}

test("a line has its number, its length, and is told from another writer's", () => {
  expect(line(42).length).toBe(190);
  expect(JSON.parse(lines.text(42))).toMatchObject({ stream: "a", car: "car-000" });
  expect(lines.numberOf(line(42))).toBe(42);
  expect(new NumberedLines({ stream: "b" }).numberOf(line(42))).toBeUndefined();
  expect(lines.block(7, 9).toString()).toBe(`${lines.text(7)}\n${lines.text(8)}\n`);
});

test("all lines once and in order is complete", () => {
  expect(tallyOf(0, 1, 2, 3).verdict(4)).toEqual(complete);
});

test("cars do not wait for each other: order counts within one", () => {
  expect(tallyOf(1, 0, 3, 2).verdict(4)).toEqual(complete);
  expect(tallyOf(2, 1, 0, 3).verdict(4)).toEqual({ ...complete, disordered: 1 });
});

test("what is missing and what came twice is named", () => {
  const verdict = tallyOf(0, 3, 3, 3, 5).verdict(7);
  expect(verdict).toMatchObject({ missing: 4, repeated: 2 });
  expect(verdict.ranges).toBe("missing 1-2, missing 4, missing 6, repeated 3");
});

test("one changed byte is an altered line", () => {
  const tally = new Tally(lines);
  const bytes = line(0);
  bytes[60] = 0x21;
  tally.add(bytes, 0);
  expect(tally.verdict(1)).toEqual({ ...complete, altered: 1 });
});

test("a line that should not have come is foreign, as is what is no line at all", () => {
  const tally = tallyOf(0, 1, 2);
  expect(tally.add(Buffer.from("x"), 0)).toBe(false);
  tally.addForeign();
  expect(tally.verdict(3, (n) => n !== 1)).toEqual({ ...complete, foreign: 2 });
});
