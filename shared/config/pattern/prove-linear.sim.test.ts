import { expect, test } from "bun:test";
import { analyse } from "./analyse.ts";
import { provesLinear } from "./prove-linear.ts";

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
  // The complete analysis takes its time, and several times as much on a busy machine: this bounds a hang only.
}, 600_000);
