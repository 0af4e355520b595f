import { expect, test } from "bun:test";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { createComponent, fakeContext, mistakes, viewOf } from "../testing/fakes/component.ts";
import dropFields from "./drop-fields.ts";
import pseudonymise from "./pseudonymise.ts";

test("dropped fields are gone, and every other byte is as it was", () => {
  const view = viewOf('{"vin":"W1", "odo":12345678901234567890.10,"driver":{"name":"A","id":7}}');
  createComponent(dropFields, { fields: ["driver.name", "vin"] }, fakeContext()).intercept(view);
  expect(view.text()).toBe('{"odo":12345678901234567890.10,"driver":{"id":7}}');
});

test("a line that lacks the field, or is no JSON, is left alone", () => {
  for (const line of ['{"a":1}', "plain text", ""]) {
    const view = viewOf(line);
    expect(createComponent(dropFields, { fields: ["vin"] }, fakeContext()).intercept(view)).toBe(true);
    expect(view.text()).toBe(line);
  }
});

test("the same value gets the same pseudonym everywhere, and another secret another one", () => {
  const config = { secret: "s1", fields: ["vin"], headers: ["vehicle"], key: true };
  const make = (secret: string) => {
    const view = viewOf('{"vin":"W1","n":1}');
    view.key = "W1";
    view.setHeader("vehicle", "W1");
    createComponent(pseudonymise, { ...config, secret }, fakeContext()).intercept(view);
    return view;
  };
  const view = make("s1");
  expect(view.key).toMatch(/^[0-9a-f]{32}$/);
  expect(view.text()).toBe(`{"vin":"${view.key}","n":1}`);
  expect(view.header("vehicle")).toBe(view.key);
  expect(make("s1").key).toBe(view.key);
  expect(make("s2").key).not.toBe(view.key);
});

test("it is HMAC-SHA-256: the test vector of RFC 4231, case 2", () => {
  const view = viewOf("{}");
  view.key = "what do ya want for nothing?";
  createComponent(pseudonymise, { secret: "Jefe", key: true }, fakeContext()).intercept(view);
  expect(view.key).toBe("5bdcc146bf60754e6a042426089575c7");
});

test("a line without the field is kept or dropped as the config says, and counted", () => {
  for (const [notFound, kept] of [
    ["keep", true],
    ["drop", false],
  ] as const) {
    const metrics = new Metrics();
    const interceptor = createComponent(
      pseudonymise,
      { secret: "s", fields: ["vin"], notFound },
      fakeContext({ metrics }),
    );
    expect(interceptor.intercept(viewOf('{"a":1}'))).toBe(kept);
    expect(metrics.render()).toContain('tailgate_pseudonymise_missing_total{component="test"} 1');
  }
});

test("a field that comes twice is replaced twice", () => {
  const view = viewOf('{"vin":"W1","vin":"W2"}');
  createComponent(pseudonymise, { secret: "s", fields: ["vin"] }, fakeContext()).intercept(view);
  expect(view.text()).not.toContain("W1");
  expect(view.text()).not.toContain("W2");
});

test("a config that names nothing is a mistake", () => {
  expect(mistakes(pseudonymise, { secret: "s" })[0]).toContain("says nothing to pseudonymise");
  expect(mistakes(dropFields, { fields: ["a..b"] })[0]).toContain("an empty name");
});
