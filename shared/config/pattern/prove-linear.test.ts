import { expect, test } from "bun:test";
import { analyse } from "./analyse.ts";
import { provesLinear } from "./prove-linear.ts";

test.each([
  '"speed":\\d+',
  '"car":"([^"]+)"',
  "ERROR|WARN|FATAL",
  "^(\\S+) (\\S+) \\[([^\\]]+)\\]",
  "^(?:[^,]*,){3}([^,]*)",
  "(?<car>[A-Z]{2}-\\d{4})",
  "^\\d{4}-\\d\\d-\\d\\d",
  "time=(\\d+)(?:\\.\\d+)?;",
  "level=(?:debug|info)$",
  '^\\{"car"\\s*:\\s*"',
  '^{"car":"[^"]*"}$',
  "\\[0x[0-9a-f]+\\]",
  "\\d+",
])("/%s/ is proven linear without the long analysis", (source) => {
  expect(provesLinear(source, false)).toBe(true);
});

test.each([
  "(a+)+$",
  "(.*)=(.*);(.*)",
  "[a-z]+@x",
  ".*ERROR.*",
  "^\\s*\\w*\\d*;",
  "(?:a|b|ab)*c",
  "a+a+b",
  '"a":[^"]*"[^}]*}',
  "(a)\\1",
  "(?=x)y",
  "(\\w+\\s?)*$",
  "\\w+\\bx",
])("/%s/ is not", (source) => {
  expect(provesLinear(source, false)).toBe(false);
});

test("case-insensitivity is seen: a run that only looked apart is not", () => {
  expect(provesLinear("X[a-w]+y", false)).toBe(true);
  expect(provesLinear("=[a-w]+B", false)).toBe(true);
  expect(provesLinear("=[a-w]+B", true)).toBe(false);
});

test("whatever the quick proof says yes to, the complete analysis does not call vulnerable", () => {
  const parts = ["a", "[ab]", "\\d", "x", "[^x]", "=", "\\s"];
  const quantifiers = ["", "+", "*", "?", "{2}"];
  const wrappers = [(inner: string) => inner, (inner: string) => `(${inner})?`, (inner: string) => `(?:${inner}|=)`];
  let seed = 7;
  const pick = <T>(from: readonly T[]): T => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const picked = from[(seed >>> 16) % from.length];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  };
  const proven = new Set<string>();
  while (proven.size < 40) {
    let source = pick(["", "", "^"]);
    for (let length = 2 + ((seed >>> 8) % 4); length > 0; length--) {
      source += pick(wrappers)(pick(parts) + pick(quantifiers));
    }
    source += pick(["", "", "$"]);
    if (/[+*]/.test(source) && provesLinear(source, false)) proven.add(source);
  }
  for (const source of proven) expect([source, analyse(source, "").status]).not.toEqual([source, "vulnerable"]);
}, 60_000);
