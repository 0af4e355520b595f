import { expect, test } from "bun:test";
import { countMoods, type FleetRow, orderFleet } from "./fleet-order.ts";

const row = (vehicle: string, ageMs: number, clockAhead = false): FleetRow => ({
  vehicle,
  ageMs,
  clockAhead,
  readMs: 0,
  events: 1,
  streams: 1,
  agent: "gw1",
  stream: "drive",
  value: "",
});

const fleet = [
  row("b", 1_000),
  row("gone", 100_000_000),
  row("quiet", 120_000),
  row("a", 0),
  row("hush", 70_000, true),
];

test("what fell silent stands on top, the latest first; the live ones follow by name", () => {
  const names = orderFleet(fleet, { text: "", mood: "all" }, 0).map(({ vehicle }) => vehicle);
  expect(names).toEqual(["hush", "quiet", "gone", "a", "b"]);
});

test("ages go on between two readings: a live one falls silent by itself", () => {
  expect(orderFleet(fleet, { text: "", mood: "live" }, 59_500).map(({ vehicle }) => vehicle)).toEqual(["a"]);
  expect(countMoods(fleet, 0)).toEqual({ all: 5, live: 2, silent: 2, away: 1, ahead: 1 });
});

test("a filter is by a part of the name, in any case", () => {
  expect(orderFleet(fleet, { text: " QU", mood: "all" }, 0).map(({ vehicle }) => vehicle)).toEqual(["quiet"]);
  expect(orderFleet(fleet, { text: "", mood: "ahead" }, 0).map(({ vehicle }) => vehicle)).toEqual(["hush"]);
});
