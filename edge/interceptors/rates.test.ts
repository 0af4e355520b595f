import { expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { createComponent, fakeContext, mistakes, viewOf } from "../testing/fakes/component.ts";
import deduplicate from "./deduplicate.ts";
import sample from "./sample.ts";
import throttle from "./throttle.ts";

function keyed(line: string, key?: string) {
  const view = viewOf(line);
  view.key = key;
  return view;
}

test("sampling by content keeps about one of so many, and decides the same line the same way again", () => {
  const lines = Array.from({ length: 10_000 }, (_, n) => `line ${n}`);
  const keep = () => {
    const interceptor = createComponent(sample, { rate: 10 }, fakeContext());
    return lines.map((line) => interceptor.intercept(viewOf(line)));
  };
  const kept = keep().filter(Boolean).length;
  expect(kept).toBeGreaterThan(800);
  expect(kept).toBeLessThan(1_200);
  expect(keep()).toEqual(keep());
});

test("sampling by key keeps all events of a vehicle or none", () => {
  const interceptor = createComponent(sample, { rate: 5, by: "key" }, fakeContext());
  const answers = new Map<string, Set<boolean>>();
  for (let n = 0; n < 1_000; n++) {
    const key = `car-${n % 100}`;
    const seen = answers.get(key) ?? new Set();
    answers.set(key, seen.add(interceptor.intercept(keyed(`line ${n}`, key))));
  }
  expect([...answers.values()].every(({ size }) => size === 1)).toBe(true);
  const kept = [...answers.values()].filter((answer) => answer.has(true)).length;
  expect(kept).toBeGreaterThan(5);
  expect(kept).toBeLessThan(40);
});

test("sampling by count keeps every so-manieth", () => {
  const interceptor = createComponent(sample, { rate: 3, by: "count" }, fakeContext());
  const kept = Array.from({ length: 7 }, () => interceptor.intercept(viewOf("same")));
  expect(kept).toEqual([true, false, false, true, false, false, true]);
});

test("a throttle keeps a burst, then the rate, and each key has its own", () => {
  const clock = new VirtualClock();
  const interceptor = createComponent(throttle, { eventsPerSecond: 10, burst: 3, by: "key" }, fakeContext({ clock }));
  const kept = (key: string, count: number) =>
    Array.from({ length: count }, () => interceptor.intercept(keyed("x", key))).filter(Boolean).length;
  expect(kept("a", 5)).toBe(3);
  expect(kept("b", 2)).toBe(2);
  clock.advance(100);
  expect(kept("a", 5)).toBe(1);
  clock.advance(60_000);
  expect(kept("a", 10)).toBe(3);
});

test("a repeat within the window is dropped, one after it is kept", () => {
  const clock = new VirtualClock();
  const interceptor = createComponent(deduplicate, { window: "10s" }, fakeContext({ clock }));
  expect(interceptor.intercept(keyed("x", "a"))).toBe(true);
  clock.advance(9_999);
  expect(interceptor.intercept(keyed("x", "a"))).toBe(false);
  expect(interceptor.intercept(keyed("x", "b"))).toBe(true);
  expect(interceptor.intercept(keyed("x"))).toBe(true);
  expect(interceptor.intercept(keyed("ax"))).toBe(true);
  clock.advance(1);
  expect(interceptor.intercept(keyed("x", "a"))).toBe(true);
});

test("no more events are remembered than the config says, the oldest are forgotten first", () => {
  const interceptor = createComponent(deduplicate, { eventsMax: 2 }, fakeContext());
  for (const line of ["1", "2", "3"]) expect(interceptor.intercept(viewOf(line))).toBe(true);
  expect(interceptor.intercept(viewOf("3"))).toBe(false);
  expect(interceptor.intercept(viewOf("2"))).toBe(false);
  expect(interceptor.intercept(viewOf("1"))).toBe(true);
});

test("by header only the header counts, and an event without it is kept", () => {
  const interceptor = createComponent(deduplicate, { by: "header", header: "id" }, fakeContext());
  const withId = (line: string, id?: string) => {
    const view = viewOf(line);
    if (id !== undefined) view.setHeader("id", id);
    return view;
  };
  expect(
    [withId("a", "1"), withId("b", "1"), withId("a"), withId("a")].map((view) => interceptor.intercept(view)),
  ).toEqual([true, false, true, true]);
  expect(mistakes(deduplicate, { by: "header" })[0]).toContain("names a header");
});
