import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compileExpression } from "../../../central/rules/expression/expression.ts";
import { parseRules } from "../../../central/rules/file/read.ts";
import { mutateText, oneOf } from "../mutate.ts";
import { type FuzzTarget, mayRefuse } from "../target.ts";

const files = [readFileSync(join(import.meta.dir, "../../../central/examples/rules/fleet.yaml"), "utf8")];
const fileWords = [
  "for: 10s",
  "expr: event.x > 1",
  "count: { of: true, over: 1m, above: 2 }",
  "{{ value }}",
  "alert: A",
];

/** A rules file is right, or all that is wrong is said. */
export const rulesFiles: FuzzTarget = {
  name: "rules files",
  try(random) {
    mayRefuse(() => parseRules("rules.yaml", mutateText(random, files, fileWords)));
  },
};

const expressions = [
  "event.speed > 120 && vehicle.startsWith('car-')",
  "has(event.a.b) ? event.a.b * 2.5 : double(event.c)",
  "event.list.exists(each, each > 3) || stream == 'drive'",
  "size(event.name) % 3 == 1 && event.name.matches('^[a-z]+$')",
  "time - storedAt > duration('10s')",
  "event.list.map(each, each * 2).size() + 1",
];
const words = [
  "event",
  ".a",
  "[0]",
  "(",
  ")",
  "&&",
  "!",
  "size(",
  "has(",
  ".matches('(a+)+$')",
  ".map(x, x)",
  "1u",
  "b''",
];
const events: readonly unknown[] = [
  { speed: 130, a: { b: 2 }, c: "1e3", list: [1, 2, 3, "x"], name: "abc" },
  { speed: "fast", a: null, list: {}, name: "a".repeat(10_000), constructor: 1, __proto__: null },
  { list: Array.from({ length: 3_000 }, (_, index) => index), a: { b: Number.MAX_VALUE }, name: "\u202e" },
  [],
  "text",
  null,
];

/** An expression is refused with its place, or can be evaluated over any event: a value, or an error in words. */
export const ruleExpressions: FuzzTarget = {
  name: "rule expressions",
  try(random) {
    const text = mutateText(random, expressions, words);
    const compiled = compileExpression(text, oneOf(random, ["bool", "number", "any"]));
    if (!compiled.ok) {
      if (compiled.mistake.message === "") throw new Error(`refused without a word: ${text.slice(0, 500)}`);
      return;
    }
    for (const event of events) {
      const view = { vehicle: "car-1", stream: "drive", time: new Date(1e12), storedAt: new Date(1e12 + 5), event };
      try {
        compiled.expression.evaluate(view);
      } catch (thrown) {
        if (!(thrown instanceof Error)) throw thrown;
        if (thrown instanceof RangeError) throw thrown;
      }
    }
  },
};
