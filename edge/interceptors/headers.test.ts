import { expect, test } from "bun:test";
import { hostname } from "node:os";
import { createComponent, fakeContext, mistakes, viewOf } from "../testing/fakes/component.ts";
import host from "./host.ts";
import fixed from "./static.ts";
import timestamp from "./timestamp.ts";

test("timestamp sets the event's time, also when an extractor changed it", () => {
  const interceptor = createComponent(timestamp, {}, fakeContext());
  const view = viewOf("x", 1_700_000_000_123);
  expect(interceptor.intercept(view)).toBe(true);
  expect(view.header("timestamp")).toBe("1700000000123");
  view.eventTimeMs = 5;
  interceptor.intercept(view);
  expect(view.header("timestamp")).toBe("5");
});

test("host sets the name of the machine under the header of one's choice", () => {
  const view = viewOf("x");
  createComponent(host, { header: "gateway" }, fakeContext()).intercept(view);
  expect(view.header("gateway")).toBe(hostname());
});

test("a header that is there already is kept when asked to, and static keeps it by itself", () => {
  for (const [definition, config, header] of [
    [timestamp, { preserveExisting: true }, "timestamp"],
    [host, { preserveExisting: true }, "host"],
    [fixed, { headers: { fleet: "pilot" } }, "fleet"],
  ] as const) {
    const view = viewOf("x");
    view.setHeader(header, "before");
    createComponent(definition, config, fakeContext()).intercept(view);
    expect(view.header(header)).toBe("before");
  }
});

test("static sets all its headers", () => {
  const view = viewOf("x");
  createComponent(fixed, { headers: { fleet: "pilot", site: "A" } }, fakeContext()).intercept(view);
  expect(view.headerNames).toEqual(["fleet", "site"]);
  expect(view.headerValues).toEqual(["pilot", "A"]);
});

test("static without a header is a mistake", () => {
  expect(mistakes(fixed, { headers: {} })).toEqual(["headers: name at least one header"]);
});
