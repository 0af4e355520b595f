import { expect, test } from "bun:test";

// What the module takes from a browser when it is read.
Object.assign(globalThis, {
  sessionStorage: { getItem: () => null, setItem: () => undefined },
  matchMedia: () => ({ addEventListener: () => undefined }),
});
const { hoursOf } = await import("./heat-map.ts");

const cell = (hourMs: number, expected: number, stored: number, missing = 0) => ({ hourMs, expected, stored, missing });

test("hours of several lanes are summed up, in the order of time; what is no hour is left out", () => {
  const body = { cells: [cell(7_200_000, 10, 9, 1), cell(3_600_000, 5, 5), cell(7_200_000, 2, 2), "odd", {}] };
  expect(hoursOf(body)).toEqual([cell(3_600_000, 5, 5), cell(7_200_000, 12, 11, 1)]);
  expect(hoursOf(undefined)).toEqual([]);
});
