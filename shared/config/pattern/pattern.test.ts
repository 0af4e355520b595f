import { expect, test } from "bun:test";
import { compilePattern, type Pattern, pattern } from "./pattern.ts";

function compiled(source: string, ignoreCase = false): Pattern {
  const result = compilePattern(source, ignoreCase);
  if (!result.ok) throw new Error(result.message);
  return result.pattern;
}

test("a pattern that is proven linear at once runs on the native engine", () => {
  expect(compiled('"car":"([^"]+)"')).toMatchObject({ engine: "native", groupCount: 1 });
});

test("a pattern that the complete analysis proves safe runs on the native engine", () => {
  expect(compiled("^(?:(?:ab)+,)+$").engine).toBe("native");
});

test("a hostile pattern runs on the safe engine, says why, and does not stall on the line made for it", () => {
  const hostile = compiled("(a+)+$");
  expect(hostile).toMatchObject({ engine: "re2", reason: "exponential" });
  const before = performance.now();
  expect(hostile.test(`${"a".repeat(50_000)}!`)).toBe(false);
  expect(performance.now() - before).toBeLessThan(2_000);
});

test("both engines give the same groups, by number and by name", () => {
  const native = compiled("car=(?<car>\\w+);(x)?");
  const safe = compiled("(?:.*)car=(?<car>\\w+);(x)?");
  expect(native.engine).toBe("native");
  expect(safe.engine).toBe("re2");
  for (const each of [native, safe]) {
    expect(each.groupNames).toEqual(["car"]);
    expect(each.groupIndex("car")).toBe(1);
    expect(each.match("a car=KA1; b")?.slice(1)).toEqual(["KA1", undefined]);
    expect(each.match("nothing")).toBeUndefined();
  }
});

test("parentheses that are escaped, in a class or do not capture are not counted as groups", () => {
  const each = compiled("\\((?:[(])(a)(?<n>b)");
  expect(each.groupIndex("n")).toBe(2);
  expect(each.match("((ab")?.[2]).toBe("b");
});

test("ignoreCase holds on both engines", () => {
  expect(compiled("error", true).test("ERROR")).toBe(true);
  expect(compiled("(e+)+$", true).test("xE")).toBe(true);
});

test("(?i) in front of a config's pattern means any case", () => {
  expect(pattern().parse("(?i)error").test("ERROR")).toBe(true);
});

test("a pattern with a mistake is an error of the config", () => {
  expect(pattern().safeParse("(a").error?.issues[0]?.message).toContain("Invalid regular expression");
});

test("a pattern that is neither safe nor fit for the safe engine is refused, with the way out", () => {
  const message = pattern().safeParse("(a+)+\\1$").error?.issues[0]?.message;
  expect(message).toContain("could stall the flow");
  expect(message).toContain("without look-around and back references");
});
