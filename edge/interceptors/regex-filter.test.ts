import { expect, test } from "bun:test";
import { createComponent, fakeContext, mistakes, viewOf } from "../testing/fakes/component.ts";
import filter from "./regex-filter.ts";

test.each([
  [{ include: "speed" }, "speed=1", true],
  [{ include: "speed" }, "brake=1", false],
  [{ exclude: "(?i)debug" }, "DEBUG x", false],
  [{ exclude: "(?i)debug" }, "INFO x", true],
  [{ include: "speed", exclude: "=0" }, "speed=0", false],
  [{ include: "speed", exclude: "=0" }, "speed=1", true],
])("with %j the line %p is kept: %p", (config, line, kept) => {
  expect(createComponent(filter, config, fakeContext()).intercept(viewOf(line))).toBe(kept);
});

test("only the event's own bytes are looked at, not those around it in the buffer", () => {
  expect(createComponent(filter, { include: "before|behind" }, fakeContext()).intercept(viewOf("x"))).toBe(false);
});

test("a hostile pattern does not stall on the line made for it", () => {
  const interceptor = createComponent(filter, { include: "^(a+)+$" }, fakeContext());
  const before = performance.now();
  expect(interceptor.intercept(viewOf(`${"a".repeat(20_000)}!`))).toBe(false);
  expect(performance.now() - before).toBeLessThan(1_000);
});

test("bytes that are no UTF-8 do not throw", () => {
  expect(
    createComponent(filter, { include: "ok" }, fakeContext()).intercept(viewOf(Buffer.from([0xff, 0, 0x6f, 0x6b]))),
  ).toBe(true);
});

test("a filter that filters nothing is a mistake, and so is a pattern that does not compile", () => {
  expect(mistakes(filter, {})).toEqual([": says neither what to include nor what to exclude"]);
  expect(mistakes(filter, { include: "(" })[0]).toContain("include: Invalid regular expression");
});
