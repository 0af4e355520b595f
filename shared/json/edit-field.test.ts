import { expect, test } from "bun:test";
import { seededRandom } from "../random/random.ts";
import { withoutField, withValue } from "./edit-field.ts";

test.each([
  ['{"a":1,"b":2,"c":3}', "a", '{"b":2,"c":3}'],
  ['{"a":1,"b":2,"c":3}', "b", '{"a":1,"c":3}'],
  ['{"a":1,"b":2,"c":3}', "c", '{"a":1,"b":2}'],
  ['{ "a" : 1 , "b" : 2 }', "b", '{ "a" : 1  }'],
  ['{ "a" : 1 , "b" : 2 }', "a", '{ "b" : 2 }'],
  ['{"a":1}', "a", "{}"],
  ['{"p":{"lat":1.50,"lon":2},"n":12345678901234567890}', "p.lat", '{"p":{"lon":2},"n":12345678901234567890}'],
  ['{"p":{"x":[1,{"y":"}"}]},"q":1}', "p", '{"q":1}'],
  ['{"a":1}', "b", '{"a":1}'],
  ["not json", "a", "not json"],
  ['{"a":1', "a", "{"],
  ['{"a":1,"b":2,"a":3}', "a", '{"b":2}'],
  ['{"a":"open', "a", '{"a":"open'],
])("%s without %s is %s", (text, path, expected) => {
  expect(withoutField(text, path.split("."))).toBe(expected);
});

test.each([
  ['{"vin":"W1","n":1.10}', "vin", '{"vin":"<W1>","n":1.10}'],
  ['{"driver":{"id":42}}', "driver.id", '{"driver":{"id":"<42>"}}'],
  ['{"vin":"a\\"b"}', "vin", '{"vin":"<a\\"b>"}'],
  ['{"vin":null}', "vin", '{"vin":null}'],
  ['{"vin":["W1","W2"]}', "vin", '{"vin":"<[\\"W1\\",\\"W2\\"]>"}'],
  ['{"vin":"W1","n":1,"vin":"W2"}', "vin", '{"vin":"<W1>","n":1,"vin":"<W2>"}'],
  ["plain", "vin", "plain"],
])("in %s the value of %s is changed: %s", (text, path, expected) => {
  expect(withValue(text, path.split("."), (scalar) => `<${scalar}>`)).toBe(expected);
});

test("of random objects a field is removed as a parser would, and nothing else changes", () => {
  const random = seededRandom(7);
  const pick = (count: number) => Math.floor(random.next() * count);
  const value = (depth: number): unknown => {
    const kind = pick(depth > 2 ? 4 : 6);
    if (kind === 0) return pick(1_000) / 7;
    if (kind === 1) return `t${pick(9)},"}{[]\\ ü`;
    if (kind === 2) return kind === pick(4);
    if (kind === 3) return null;
    if (kind === 4) return Array.from({ length: pick(4) }, () => value(depth + 1));
    return object(depth + 1);
  };
  const object = (depth: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: 1 + pick(5) }, () => [`n${pick(8)}`, value(depth)]));
  for (let round = 0; round < 2_000; round++) {
    const made = object(0);
    const name = `n${pick(8)}`;
    const text = JSON.stringify(made, undefined, pick(2) === 0 ? undefined : 2);
    const { [name]: _, ...rest } = made;
    const without: unknown = JSON.parse(withoutField(text, [name]));
    expect(without).toEqual(rest);
  }
});
