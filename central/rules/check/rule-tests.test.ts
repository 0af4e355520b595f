import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseRules, readRules } from "../file/read.ts";
import { runRuleTests } from "./rule-tests.ts";

const examples = join(import.meta.dir, "../../examples/rules");

test.each(readdirSync(examples).filter((name) => name.endsWith(".yaml")))("the tests of %s pass", (name) => {
  const { tests, ...set } = readRules(join(examples, name));
  expect(tests.length).toBeGreaterThan(0);
  expect(runRuleTests(set, tests).filter(({ complaints }) => complaints.length > 0)).toEqual([]);
});

test("the bench's rules are good", () => {
  expect(readRules(join(import.meta.dir, "../../../scripts/bench/central/ten-rules.yaml")).rules).toHaveLength(10);
});

const run = (tests: string) => {
  const text = `
groups:
  - name: g
    rules:
      - { alert: Fast, streams: [s], edge: event.speed > 100, value: event.speed }
tests:
  - ${tests}`;
  const { tests: read, ...set } = parseRules("f", text);
  return runRuleTests(set, read)[0]?.complaints ?? [];
};

test("a test that expects too much, too little, or another value fails and says so", () => {
  const events = "events: [{ at: 0s, event: { speed: 1 } }, { at: 1s, event: { speed: 101 } }]";
  expect(run(`{ name: t, ${events}, alerts: [{ alert: Fast, at: 1s, value: "101" }] }`)).toEqual([]);
  expect(run(`{ name: t, ${events}, alerts: [] }`)).toEqual([expect.stringContaining("there, and not expected")]);
  expect(run(`{ name: t, ${events}, alerts: [{ alert: Fast }, { alert: Fast }] }`)).toEqual([
    expect.stringContaining("expected, and not there"),
  ]);
  expect(run(`{ name: t, ${events}, alerts: [{ alert: Fast, at: 2s }] }`)).toHaveLength(2);
});

test("a field that is not there fails a test that expects no alert", () => {
  expect(run("{ name: t, events: [{ at: 0s, event: { sped: 1 } }], alerts: [] }")).toEqual([
    "Fast failed 1 times: No such key: speed",
  ]);
});
