import { expect, test } from "bun:test";
import { createComponent, fakeContext, viewOf } from "../testing/fakes/component.ts";
import loadBalancing from "./load-balancing.ts";
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

test("load balancing lays events into the channels in turn, with one array for each channel", () => {
  const selector = createComponent(loadBalancing, {}, context);
  const chosen = Array.from({ length: 6 }, () => selector.select(viewOf("a")));
  expect(chosen).toEqual([[0], [1], [2], [0], [1], [2]]);
  expect(chosen[3]).toBe(chosen[0] ?? []);
});

test("load balancing by chance gives each channel its share", () => {
  const selector = createComponent(loadBalancing, { policy: "random" }, context);
  const counts = [0, 0, 0];
  for (let event = 0; event < 3_000; event++) {
    const [index = -1, ...others] = selector.select(viewOf("a"));
    expect(others).toEqual([]);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  expect(counts).toHaveLength(3);
  for (const count of counts) expect(count).toBeWithin(800, 1_200);
});
