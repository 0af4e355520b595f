import { expect, test } from "bun:test";
import { nameMatcher, regexMistake } from "./name-pattern.ts";

test.each([
  ["*.log", "a.log", true],
  ["*.log", "a.log.1", false],
  ["regex:app-\\d+\\.log", "app-12.log", true],
  ["regex:app-\\d+\\.log", "app-.log", false],
  ["regex:a|b", "ab", false],
  ["regex:(?i)APP.*", "app.log", true],
])("%s and the name %s", (written, name, matches) => {
  expect(nameMatcher(written)(name)).toBe(matches);
});

test("says what is wrong with an expression, and nothing about a glob", () => {
  expect(regexMistake("regex:(a")).toContain("missing )");
  expect(regexMistake("(a")).toBeUndefined();
});
