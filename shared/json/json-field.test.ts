import { expect, test } from "bun:test";
import { fieldReader } from "./json-field.ts";

test.each([
  ["car", '{"car":"KA-1"}', "KA-1"],
  ["car", ' { "time" : 5 , "car" : "KA-1" } ', "KA-1"],
  ["car", '{"nested":{"car":"inner"},"car":"outer"}', "outer"],
  ["car", '{"nested":{"car":"inner"}}', undefined],
  ["car", '{"list":[{"car":"inner"}],"car":"outer"}', "outer"],
  ["car", '{"note":"\\"car\\":\\"fake\\"","car":"real"}', "real"],
  ["car", '{"a\\"car":"fake","car":"real"}', "real"],
  ["car", '{"x":"{","car":"real"}', "real"],
  ["car", '{"x":"}{][","car":"real"}', "real"],
  ["car", '{"x":"car","car":"real"}', "real"],
  ["car", '{"car":"a\\"b\\u00e9"}', 'a"bé'],
  ["car", '{"car":"ends with \\\\"}', "ends with \\"],
  ["car", '{"car":12.5e3,"x":1}', "12.5e3"],
  ["car", '{"car":true}', "true"],
  ["car", '{"car":null}', undefined],
  ["car", '{"car":{"id":1}}', undefined],
  ["car", '{"car":[1]}', undefined],
  ["car", '{"car":""}', ""],
  ["car", "{}", undefined],
  ["car", "", undefined],
  ["car", "[1]", undefined],
  ["car", '{"car":"cut', undefined],
  ["car", '{"car"', undefined],
  ["car", "not json car", undefined],
  ["vehicle.id", '{"id":"no","vehicle":{"x":[1,{"id":2}],"id":"yes"}}', "yes"],
  ["vehicle.id", '{"vehicle":"id"}', undefined],
  ["vehicle\\.id", '{"vehicle.id":"dotted"}', "dotted"],
  ['q"t', '{"q\\"t":"quoted"}', "quoted"],
  ["차량", '{"속도":1,"차량":"가-1"}', "가-1"],
])("field %s of %s is %p", (path, line, value) => {
  expect(fieldReader(path)(line)).toBe(value);
});

test("for random JSON the answer is that of JSON.parse", () => {
  let seed = 11;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) % below;
  };
  const words = ["car", "id", "a,b", 'q"', "{", "}", "[", "]", "\\", "car:", '"car":', "é", " "];
  const word = () => words[random(words.length)] ?? "";
  const value = (depth: number): unknown => {
    const kind = random(depth > 3 ? 4 : 6);
    if (kind === 0) return random(1000) / 7;
    if (kind === 1) return random(2) === 0;
    if (kind < 4) return word() + word();
    if (kind === 4) return Array.from({ length: random(3) }, () => value(depth + 1));
    return object(depth + 1);
  };
  const object = (depth: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: random(5) }, () => [word(), value(depth)]));
  const readers = { car: fieldReader("car"), id: fieldReader("car.id") };
  let found = 0;
  for (let round = 0; round < 5_000; round++) {
    const made = object(0);
    const text = round % 2 === 0 ? JSON.stringify(made) : JSON.stringify(made, null, 1);
    const scalar = (expected: unknown) =>
      expected === undefined || expected === null || typeof expected === "object" ? undefined : String(expected);
    const car = made.car;
    if (scalar(car) !== undefined) found++;
    expect([text, readers.car(text)]).toEqual([text, scalar(car)]);
    const inner = typeof car === "object" && car !== null && !Array.isArray(car) && "id" in car ? car.id : undefined;
    expect([text, readers.id(text)]).toEqual([text, scalar(inner)]);
  }
  expect(found).toBeGreaterThan(300);
});
