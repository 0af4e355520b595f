/** The quick functions against the package: where they are certain they say the same, and where it fails they are not certain. */
import { expect, test } from "bun:test";
import { Environment } from "@marcbachmann/cel-js";
import { seededRandom } from "../../../shared/random/random.ts";
import { closureOf, unsure } from "./closure.ts";

const environment = new Environment()
  .registerVariable("vehicle", "string")
  .registerVariable("stream", "string")
  .registerVariable("event", "dyn");
const payloads: readonly unknown[] = [
  { a: 1, b: "x", c: true, d: null, e: { a: 2, b: "y" }, f: [1, 2], g: -0.5 },
  { a: "1", b: 2, c: "true", e: [{ a: 1 }] },
  { a: 1e300, b: "", c: false, e: { a: {} }, g: 0 },
  {},
  [1, 2],
  7,
  "text",
  null,
  JSON.parse('{"__proto__":1,"constructor":2,"a":-0,"e":{"__proto__":{"a":1}}}'),
];

function writeExpression(below: (most: number) => number): (depth: number) => string {
  const pick = (...of: readonly string[]) => of[below(of.length)] ?? "";
  const field = () =>
    `event.${pick("a", "b", "c", "d", "e", "e.a", "e.b", "f", "g", "zz", "constructor", "toString", "__proto__")}`;
  const term = (): string => pick(field(), field(), field(), "1", "-2", "1.5", "'x'", "true", "vehicle", `-${field()}`);
  const write = (depth: number): string => {
    if (depth === 0)
      return pick(`${term()} ${pick("<", "<=", ">", ">=", "==", "!=")} ${term()}`, field(), `has(${field()})`);
    return pick(
      `(${write(depth - 1)} && ${write(depth - 1)})`,
      `(${write(depth - 1)} || ${write(depth - 1)})`,
      `!(${write(depth - 1)})`,
    );
  };
  return write;
}

test("10,000 expressions, each on every payload", () => {
  const random = seededRandom(3);
  const write = writeExpression((most) => Math.floor(random.next() * most));
  let certain = 0;
  for (let times = 0; times < 10_000; times++) {
    const text = write(times % 3);
    const program = environment.parse(text);
    const closure = closureOf(program.ast);
    // What its types refuse is never run.
    if (closure === undefined || !program.check().valid) continue;
    for (const event of payloads) {
      const view = { vehicle: "car", stream: "s", time: new Date(0), storedAt: new Date(0), event };
      const quick = closure(view);
      if (quick === unsure) continue;
      certain++;
      let slow: unknown;
      try {
        slow = program(view);
      } catch (thrown) {
        slow = thrown;
      }
      expect({ text, event, says: quick }).toEqual({ text, event, says: slow as typeof quick });
    }
  }
  expect(certain).toBeGreaterThan(10_000);
});

test.each([
  "event.a.exists(x, x > 1)",
  "event.a + 1 > 2",
  "event.a in [1]",
  "time > timestamp('2020-01-01T00:00:00Z')",
])("%s is left to the package", (text) => {
  const all = environment.clone().registerVariable("time", "google.protobuf.Timestamp");
  expect(closureOf(all.parse(text).ast)).toBeUndefined();
});
