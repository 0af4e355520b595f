import { expect, test } from "bun:test";
import { niceLength, project } from "./projection.ts";

const box = { width: 200, height: 100, margin: 10 };

test("north is up, east is right, and all is inside the box with one scale for both", () => {
  const { points } = project(
    [
      { latitude: 48, longitude: 11 },
      { latitude: 48.1, longitude: 11 },
      { latitude: 48, longitude: 11.1 },
    ],
    box,
  );
  const [start, north, east] = points;
  expect(north?.[1]).toBeLessThan(start?.[1] ?? 0);
  expect(east?.[0]).toBeGreaterThan(start?.[0] ?? 0);
  for (const [x, y] of points) {
    expect(x).toBeWithin(9, 192);
    expect(y).toBeWithin(9, 92);
  }
  const up = (start?.[1] ?? 0) - (north?.[1] ?? 0);
  const right = (east?.[0] ?? 0) - (start?.[0] ?? 0);
  expect(right / up).toBeCloseTo(Math.cos((48.05 * Math.PI) / 180), 1);
});

test("one that stands is a point in the middle; places that cannot be are left out", () => {
  const { points, widthMetres } = project(
    [
      { latitude: 48, longitude: 11 },
      { latitude: 948, longitude: 11 },
    ],
    box,
  );
  expect(points).toEqual([[100, 50]]);
  expect(widthMetres).toBeGreaterThan(40);
  expect(project([], box).points).toEqual([]);
});

test("a scale is a round length", () => {
  expect([7, 99, 120, 2_500, 0].map(niceLength)).toEqual([5, 50, 100, 2_000, 1]);
});
