import { expect, test } from "bun:test";
import type { LaneVitals } from "../engine/vitals.ts";
import { LaneHours } from "./lane-hours.ts";

const own = { id: 1, channel: "main", stream: "drive", epoch: "e1", number: 0, group: "drive", part: undefined };
const at = (assigned: number): LaneVitals[] => [
  { lane: own, assigned, oldest: { from: 0, timeMs: undefined }, held: 0, shed: 0, dead: 0, began: 0 },
];
const hourMs = 3_600_000;

test("says in which hour the numbers were given, from the one on that is asked for", () => {
  const hours = new LaneHours();
  hours.note(at(0), 10 * hourMs);
  hours.note(at(40), 10 * hourMs + 5);
  hours.note(at(50), 11 * hourMs);
  hours.note(at(90), 13 * hourMs);
  expect(hours.since(own, 0)).toEqual([
    [10, 0],
    [11, 50],
    [13, 90],
  ]);
  expect(hours.since(own, 60)).toEqual([
    [11, 50],
    [13, 90],
  ]);
  expect(hours.since(own, 90)).toEqual([[13, 90]]);
});

test("a clock that was set back begins anew; a lane that is gone is forgotten; two days are kept", () => {
  const hours = new LaneHours();
  hours.note(at(0), 10 * hourMs);
  hours.note(at(5), 2 * hourMs);
  expect(hours.since(own, 0)).toEqual([[2, 5]]);
  hours.note([], 3 * hourMs);
  expect(hours.since(own, 0)).toEqual([]);
  for (let hour = 0; hour < 100; hour++) hours.note(at(hour), hour * hourMs);
  expect(hours.since(own, 0)).toHaveLength(48);
});
