import { expect, test } from "bun:test";
import { carriedText, numbersOf, readVia, viaOf, viaText } from "./carried.ts";

test.each([[[]], [["agg-1"]], [["agg-1", "agg-2"]], [["a,b", "c d", "via=", "ü", "%"]]])(
  "numbers and the way %j are found again",
  (via) => {
    const numbers = "gw-1/b3whum6k/driving.0/100-199";
    const text = carriedText(numbers, via);
    expect([numbersOf(text), viaOf(text), readVia(viaText(via))]).toEqual([numbers, via, via]);
  },
);

test("what is no list of names", () => {
  expect(readVia("%zz")).toBeUndefined();
  expect(viaOf("gw-1/e1/driving.0/1-2 via=%zz")).toEqual([]);
});
