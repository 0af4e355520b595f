import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { parseRules, readRules } from "./read.ts";

const rule = (...lines: readonly string[]) =>
  ["groups:", "  - name: g", "    rules:", "      - alert: A", ...lines.map((line) => `        ${line}`)].join("\n");
const refused = (text: string): string => {
  try {
    parseRules("rules.yaml", text);
  } catch (thrown) {
    return messageOf(thrown);
  }
  throw new Error("it was taken");
};

const refusedFile = (path: string): string => {
  try {
    readRules(path);
  } catch (thrown) {
    return messageOf(thrown);
  }
  throw new Error("it was taken");
};

test("a rule is read with its defaults", () => {
  const { rules, vehiclesMax } = parseRules("f", rule("streams: [s]", "expr: event.speed > 120", "for: 10s"));
  expect(vehiclesMax).toBe(20_000);
  expect(rules).toMatchObject([
    { name: "A", forMs: 10_000, maxGapMs: 60_000, minIntervalMs: 1_000, latenessMs: 0, text: "event.speed > 120" },
  ]);
});

test.each([
  ["expr: event.speed >", "rules.yaml:6:28: groups.0.rules.0.expr: Unexpected token: EOF"],
  ['expr: "evnt.speed > 1"', "rules.yaml:6:16: groups.0.rules.0.expr: Unknown variable: evnt"],
  ["expr: vehicle", "gives string, and bool is needed"],
  ["expr: event.a.exists(x, event.b.exists(y, x == y))", "exists inside a comprehension costs their product"],
  ["expr: event.a.exists(x, event.s.contains('x'))", "contains inside a comprehension"],
  ["expr: event.a.exists(x, x in event.b)", "takes a written list"],
  ["expr: event.s.matches('(a+)+$')", "is not proven to need linear time"],
  ["expr: event.s.matches(event.pattern)", "matches takes a pattern that is written in the rule"],
  [`expr: event.a${"[0]".repeat(60)}`, "Exceeded maxDepth"],
  [`expr: ${Array.from({ length: 180 }, () => "event.a").join(" + ")} > 1`, "Exceeded max"],
  ["count: { over: 30d, above: 1 }", "is too long: at most 7d"],
  ["count: { over: 1ms, above: 1 }", "is too short: at least 1s"],
  ["count: { above: 1 }", "one window"],
  ["count: { over: 1m, session: 1m, above: 1 }", "one window"],
  ["average: { of: event.a, over: 1m }", "no limit"],
  ["average: { of: \"'text'\", over: 1m, above: 1 }", "gives string, and number is needed"],
  ["absence: { within: 5m }\n        for: 1m", "belongs to expr, count and average"],
  ["absence: { within: 5m }\n        lateness: 1m", "nothing is late"],
  ["edge: event.a\n        expr: event.b", "expr and edge: one rule has one condition"],
  ["labels: {}", "no condition"],
  ["expr: event.a\n        severity: high", "rules.yaml:7:19: groups.0.rules.0.severity: no such key"],
  ["expr: event.a\n        minIntervall: 1s", 'did you mean "minInterval"?'],
  ['expr: event.a\n        annotations: { summary: "a {{ vehcle }}" }', "no such name: vehcle"],
  ["expr: event.a\n        for: soon", '"soon" is not a duration'],
  ["expr: event.a\n        lateness: 2d", "is too long"],
  ["expr: event.a\n        expr: event.b", "Map keys must be unique"],
])("%s is refused", (line, message) => {
  expect(refused(rule("streams: [s]", line))).toContain(message);
});

test("a caret shows the place, also in a block and in quotes", () => {
  expect(refused(rule("streams: [s]", "expr: |", "  event.speed > 1 &&", "  evnt.rpm > 2"))).toContain(
    "rules.yaml:8:11: groups.0.rules.0.expr: Unknown variable: evnt\n              evnt.rpm > 2\n              ^",
  );
  expect(refused(rule("streams: [s]", "expr: 'event.a > 1 && evnt > 2'"))).toContain("rules.yaml:6:31:");
});

test("all mistakes are told at once, and names must be there once", () => {
  const text = `${rule("streams: [s]", "expr: event.")}\n      - alert: B\n        streams: ['*', s]\n        edge: a`;
  const message = refused(text);
  for (const part of ["rules.0.expr", '"*" stands alone', "rules.1.edge"]) expect(message).toContain(part);
  const twice = `${rule("streams: [s]", "expr: event.a")}\n      - alert: A\n        streams: [s]\n        expr: event.b`;
  expect(refused(twice)).toContain('two rules are called "A"');
  const tests = `${rule("streams: [s]", "expr: event.a")}\ntests: [{ name: t, events: [], alerts: [{ alert: B }] }]`;
  expect(refused(tests)).toContain('no rule is called "B"');
});

test("what is no rules file is refused in words", () => {
  expect(refused("- a list")).toContain("rules.yaml:1:1");
  expect(refused("groups: *nobody")).toContain("nobody");
  expect(refused("groups: [}")).toContain("rules.yaml:1:");
  expect(refused(rule('streams: ["__proto__"]', "expr: event.a").replace("alert: A", "alert: __proto__"))).toContain(
    "the alert's name",
  );
  const large = join(mkdtempSync(join(tmpdir(), "rules-")), "large.yaml");
  writeFileSync(large, `# ${"x".repeat(1024 * 1024)}\n`);
  expect(refusedFile(large)).toContain("larger than 1 MiB");
  expect(refusedFile("/dev/zero")).toContain("it is a device");
  expect(() => readRules(large)).toThrow("read the rules");
  expect(() => readRules(join(large, "not-there"))).toThrow("read the rules");
});

test("another meaning has another print, another text for people has not", () => {
  const print = (...lines: string[]) => parseRules("f", rule("streams: [s]", ...lines)).rules[0]?.print;
  const before = print("expr: event.a > 1");
  expect(print("expr: event.a > 1", "labels: { a: b }")).toBe(before);
  expect(print("expr: event.a > 2")).not.toBe(before);
  expect(print("expr: event.a > 1", "for: 1s")).not.toBe(before);
});
