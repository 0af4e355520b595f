import { expect, test } from "bun:test";
import { topicResult } from "./books.ts";
import type { AuditResult } from "./simulator/audit.ts";

const whole: AuditResult = {
  stream: "driving",
  expected: 10,
  arrived: 7,
  missing: 3,
  repeated: 0,
  outOfOrder: 0,
  altered: 0,
  unknown: 0,
  examples: [],
  ok: false,
};

test("the topic must have every line, unless an earlier start relayed some; what it has must be right in any case", () => {
  expect(topicResult(whole, ["kafka"]).ok).toBe(false);
  expect(topicResult(whole, ["relay", "kafka"]).ok).toBe(true);
  for (const fault of ["repeated", "outOfOrder", "altered", "unknown"] as const) {
    expect(topicResult({ ...whole, [fault]: 1 }, ["relay", "kafka"]).ok).toBe(false);
  }
});
