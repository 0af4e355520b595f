import { expect, test } from "bun:test";
import type { LaneVitals } from "../engine/vitals.ts";
import { Outages } from "./outages.ts";

function lane(from: number, assigned: number, number = 0): LaneVitals {
  const lane = { id: number, channel: "main", stream: "drive", epoch: "e1", number, group: "drive", part: undefined };
  return { lane, assigned, oldest: { from, timeMs: undefined }, held: assigned - from, shed: 0, dead: 0, began: 0 };
}

test("an outage names the numbers that waited: from the first that was not delivered to the last that was given", () => {
  const outages = new Outages(0);
  expect(outages.succeeded([lane(5, 5)], 1_000, 1_500)).toBe(false);
  outages.failed([lane(7, 9)]);
  outages.failed([lane(7, 40)]);
  expect(outages.isAway).toBe(true);
  expect(outages.succeeded([lane(20, 50)], 11_000, 1_500)).toBe(true);
  expect(outages.isAway).toBe(false);
  expect(outages.told(12_500)).toEqual([
    {
      id: 1,
      endedAgoMs: 1_500,
      forMs: 10_000,
      lanes: [{ stream: "drive", epoch: "e1", lane: 0, first: 7, last: 49 }],
      lanesCut: 0,
    },
  ]);
});

test("what moves on while heartbeats fail does not wait", () => {
  const outages = new Outages(0);
  outages.failed([lane(7, 9), lane(0, 5, 1)]);
  outages.failed([lane(30, 30), lane(0, 6, 1)]);
  expect(outages.succeeded([lane(30, 30), lane(0, 6, 1)], 9_000, 1_500)).toBe(true);
  expect(outages.told(9_000)[0]?.lanes).toEqual([{ stream: "drive", epoch: "e1", lane: 1, first: 0, last: 5 }]);
});

test("one that was short is not told, the last three are, and none for ever", () => {
  const outages = new Outages(0);
  outages.failed([lane(1, 2)]);
  expect(outages.succeeded([lane(2, 2)], 1_000, 1_500)).toBe(false);
  for (let at = 1; at <= 5; at++) {
    outages.failed([lane(at, at + 1)]);
    outages.succeeded([lane(at + 1, at + 1)], at * 10_000, 1_500);
  }
  expect(outages.told(50_000).map(({ id }) => id)).toEqual([3, 4, 5]);
  expect(outages.told(50_000 + 86_400_000)).toEqual([]);
});
