import { expect, test } from "bun:test";
import { metricOf } from "./prometheus.ts";

const page = `# HELP lag Event loop lag
# TYPE lag summary
lag{quantile="0.5"} 0.0004
lag{quantile="0.99"} 0.0121
lag_count 17
up 1
`;

test("finds a sample by its name and labels, and takes no longer name for it", () => {
  expect(metricOf(page, "lag", { quantile: "0.99" })).toBe(0.0121);
  expect(metricOf(page, "lag_count")).toBe(17);
  expect(metricOf(page, "up")).toBe(1);
});

test("a sample that is not there is undefined", () => {
  expect(metricOf(page, "lag", { quantile: "0.9" })).toBeUndefined();
  expect(metricOf(page, "down")).toBeUndefined();
});
