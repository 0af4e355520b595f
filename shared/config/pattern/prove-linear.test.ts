import { expect, test } from "bun:test";
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
