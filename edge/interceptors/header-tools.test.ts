import { expect, test } from "bun:test";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { createComponent, fakeContext, mistakes, viewOf } from "../testing/fakes/component.ts";
import parseJson from "./parse-json.ts";
import removeHeader from "./remove-header.ts";
import uuid from "./uuid.ts";

function withHeaders(...names: readonly string[]) {
  const view = viewOf("x");
  for (const name of names) view.setHeader(name, `v-${name}`);
  return view;
}

test.each([
  [{ withName: "a" }, ["b", "tmp_a", "tmp_b"]],
  [{ fromList: ["a", "tmp_b", "none"] }, ["b", "tmp_a"]],
  [{ matching: "tmp_.*" }, ["a", "b"]],
  [{ matching: "a" }, ["b", "tmp_a", "tmp_b"]],
])("with %j the headers %j stay", (config, left) => {
  const view = withHeaders("a", "b", "tmp_a", "tmp_b");
  createComponent(removeHeader, config, fakeContext()).intercept(view);
  expect(view.headerNames).toEqual(left);
  expect(view.headerValues).toEqual(left.map((name) => `v-${name}`));
});

test("an identifier is new for each event, and one that is there is kept", () => {
  const interceptor = createComponent(uuid, { prefix: "gw-" }, fakeContext());
  const made = [viewOf("a"), viewOf("b")].map((view) => {
    interceptor.intercept(view);
    return view.header("id");
  });
  expect(made[0]).toMatch(/^gw-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(made[1]).not.toBe(made[0]);
  const view = withHeaders("id");
  interceptor.intercept(view);
  expect(view.header("id")).toBe("v-id");
});

test("fields of the outer level become headers; objects, lists and null do not", () => {
  const view = viewOf('{"kind":"speed","n":1.5,"on":true,"none":null,"p":{"x":1},"l":[1]}');
  createComponent(parseJson, { prefix: "j." }, fakeContext()).intercept(view);
  expect(Object.fromEntries(view.headerNames.map((name, index) => [name, view.headerValues[index]]))).toEqual({
    "j.kind": "speed",
    "j.n": "1.5",
    "j.on": "true",
  });
});

test("only the fields that were asked for, and none that every object inherits", () => {
  const view = viewOf('{"kind":"speed","n":1}');
  createComponent(parseJson, { fields: ["kind", "constructor"] }, fakeContext()).intercept(view);
  expect(view.headerNames).toEqual(["kind"]);
});

test("a line that is no JSON object is counted, and kept or dropped as the config says", () => {
  for (const [invalid, kept] of [
    ["keep", true],
    ["drop", false],
  ] as const) {
    const metrics = new Metrics();
    const interceptor = createComponent(parseJson, { invalid }, fakeContext({ metrics }));
    for (const line of ["no json", "[1]", "5"]) expect(interceptor.intercept(viewOf(line))).toBe(kept);
    expect(metrics.render()).toContain('tailgate_parse_json_invalid_total{component="test"} 3');
  }
});

test("a config that removes nothing is a mistake", () => {
  expect(mistakes(removeHeader, {})[0]).toContain("says nothing to remove");
});
