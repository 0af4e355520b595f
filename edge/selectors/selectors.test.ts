import { expect, test } from "bun:test";
import { createComponent, fakeContext, viewOf } from "../testing/fakes/component.ts";
import multiplexing from "./multiplexing.ts";
import replicating from "./replicating.ts";

const context = { ...fakeContext(), channels: ["main", "urgent", "archive"] };

test("replicating lays every event into all channels, with one array for all events", () => {
  const selector = createComponent(replicating, {}, context);
  expect(selector.select(viewOf("a"))).toEqual([0, 1, 2]);
  expect(selector.select(viewOf("a"))).toBe(selector.select(viewOf("b")));
});

test("multiplexing goes by the header's value, else to the default, with no array made per event", () => {
  const config = {
    header: "kind",
    mapping: { alarm: ["urgent", "archive", "urgent"], status: "archive" },
    default: "main",
  };
  const selector = createComponent(multiplexing, config, context);
  const of = (kind?: string) => {
    const view = viewOf("a");
    if (kind !== undefined) view.setHeader("kind", kind);
    return selector.select(view);
  };
  expect(of("alarm")).toEqual([1, 2]);
  expect(of("status")).toEqual([2]);
  expect(of("other")).toEqual([0]);
  expect(of()).toEqual([0]);
  expect(of("alarm")).toBe(of("alarm"));
});

test("multiplexing without a default lays other events nowhere", () => {
  const selector = createComponent(multiplexing, { header: "kind", mapping: { alarm: "urgent" } }, context);
  expect(selector.select(viewOf("a"))).toEqual([]);
});
