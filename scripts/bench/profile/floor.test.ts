import { expect, test } from "bun:test";
import { renderFloor } from "./floor.ts";

test("the floor's rows are added up", () => {
  const rows = [
    { what: "zstd", megabytes: 200, cpuPerMillion: 0.25 },
    { what: "crc32c", megabytes: 25, cpuPerMillion: 0.05 },
  ];
  const text = renderFloor(rows, { command: "bun p", at: "2026-01-02T03:04:05Z", machine: { CPU: "x" } });
  expect(text).toContain("| crc32c | 25.0 | 0.050 |");
  expect(text).toContain("| **together** |  | 0.300 |");
});
