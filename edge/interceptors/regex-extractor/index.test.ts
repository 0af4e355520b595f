import { expect, test } from "bun:test";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { createComponent, fakeContext, mistakes, viewOf } from "../../testing/fakes/component.ts";
import extractor from "./index.ts";

const line = '{"time":"2026-11-20T10:00:00.250Z","car":"KA-1001","speed":88,"pos":{"area":"A-7"}}';

test("key by the pattern's group", () => {
  const view = viewOf(line);
  createComponent(extractor, { key: '"car":"([^"]+)"' }, fakeContext()).intercept(view);
  expect(view.key).toBe("KA-1001");
});

test("key, time and headers by JSON field", () => {
  const view = viewOf(line);
  const config = {
    key: { json: "car" },
    time: { from: { json: "time" }, format: "iso8601" },
    headers: { area: { json: "pos.area" }, speed: '"speed":(\\d+)', none: { json: "absent" } },
  };
  expect(createComponent(extractor, config, fakeContext()).intercept(view)).toBe(true);
  expect(view.key).toBe("KA-1001");
  expect(view.eventTimeMs).toBe(Date.parse("2026-11-20T10:00:00.250Z"));
  expect(view.headerNames).toEqual(["area", "speed"]);
  expect(view.headerValues).toEqual(["A-7", "88"]);
});

test("one pattern with named groups gives key, time and headers", () => {
  const view = viewOf("1700000000 KA-1 area=A-3");
  const config = { pattern: "^(?<time>\\d+) (?<key>\\S+) area=(?<area>\\S+)" };
  createComponent(extractor, config, fakeContext()).intercept(view);
  expect([view.key, view.eventTimeMs, view.header("area")]).toEqual(["KA-1", 1_700_000_000_000, "A-3"]);
});

test("a line without what is looked for stays as it is, is kept and is counted", () => {
  const metrics = new Metrics();
  const view = viewOf("garbage", 42);
  const config = { key: { json: "car" }, time: { json: "time" } };
  expect(createComponent(extractor, config, fakeContext({ metrics })).intercept(view)).toBe(true);
  expect(view.key).toBeUndefined();
  expect(view.eventTimeMs).toBe(42);
  expect(metrics.render()).toContain('tailgate_extractor_missing_total{component="test",what="key"} 1');
  expect(metrics.render()).toContain('tailgate_extractor_missing_total{component="test",what="time"} 1');
});

test("mistakes of the config say what may stand there", () => {
  expect(mistakes(extractor, {})[0]).toContain("nothing to extract");
  expect(mistakes(extractor, { key: { json: "a..b" } }).join()).toContain("a name in the path is empty");
  expect(mistakes(extractor, { pattern: "a(b)" })[0]).toContain("no named group");
  expect(mistakes(extractor, { time: { from: "x", format: "unix" } }).join()).toContain("time");
});
