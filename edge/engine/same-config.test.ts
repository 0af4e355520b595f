import { expect, test } from "bun:test";
import { compilePattern } from "../../shared/config/pattern/pattern.ts";
import { sameConfig } from "./same-config.ts";

class Hidden {
  readonly #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value(): number {
    return this.#value;
  }
}

const pattern = (source: string) => {
  const compiled = compilePattern(source, false);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.pattern;
};

test.each([
  [
    { a: 1, b: ["x", { c: undefined }] },
    { b: ["x", { c: undefined }], a: 1 },
  ],
  [/a+/i, /a+/i],
  [Buffer.from("key"), Buffer.from("key")],
  [new Map([["a", 1]]), new Map([["a", 1]])],
  [
    { make: () => 1, from: "a" },
    { make: () => 2, from: "a" },
  ],
])("%p and %p say the same", (a, b) => {
  expect(sameConfig(a, b)).toBe(true);
});

test.each([
  [{ a: 1 }, { a: 2 }],
  [{ a: 1 }, { a: 1, b: 2 }],
  [{ a: undefined }, { b: undefined }],
  [{ a: [1, 2] }, { a: [2, 1] }],
  [/a/, /a/i],
  [Buffer.from("key"), Buffer.from("kex")],
  [new Set(["a"]), new Set(["b"])],
  ["1", 1],
  [null, {}],
  [new Hidden(1), new Hidden(1)],
])("%p and %p do not", (a, b) => {
  expect(sameConfig(a, b)).toBe(false);
});

test("compiled patterns are compared by what they match, on both engines", () => {
  for (const [one, other] of [
    ["car-(\\d+)", "car-(\\d)"],
    ["(a+)+$", "(a+)+b$"],
  ] as const) {
    expect(sameConfig(pattern(one), pattern(one))).toBe(true);
    expect(sameConfig(pattern(one), pattern(other))).toBe(false);
  }
});

test("what holds itself ends", () => {
  const ring = (name: string) => {
    const made: Record<string, unknown> = { name };
    made.self = made;
    return made;
  };
  expect(sameConfig(ring("a"), ring("a"))).toBe(true);
  expect(sameConfig(ring("a"), ring("b"))).toBe(false);
});
