import { expect, test } from "bun:test";
import { EventView } from "./event-view.ts";
import { limits } from "./limits.ts";

test("of several headers of a name the last counts and is set; all of them are taken away together", () => {
  const view = new EventView();
  for (const [name, value] of [
    ["a", "1"],
    ["b", "2"],
    ["a", "3"],
  ] as const)
    view.addHeader(name, value);
  view.setHeader("a", "4");
  expect([view.header("a"), view.headerNames, view.headerValues]).toEqual(["4", ["a", "b", "a"], ["1", "2", "4"]]);
  view.removeHeader("a");
  expect([view.header("a"), view.headerNames]).toEqual([undefined, ["b"]]);
});

test("past the bound no header is added", () => {
  const view = new EventView();
  for (let left = limits.headersMax; left > 0; left--) expect(view.addHeader("a", "")).toBe(true);
  expect(view.addHeader("a", "")).toBe(false);
  expect(view.setHeader("a", "known")).toBe(true);
});
