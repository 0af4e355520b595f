import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { driveLine, PREPARED_FROM_MS } from "./lines.ts";
import { mapLines, partLinesMin } from "./mapped-lines.ts";

test("a file that is mapped in parts has the same lines as in one piece, on both sides of each seam", () => {
  using dir = tempDir();
  const count = 2 * partLinesMin + 3;
  const written = Array.from({ length: count }, (_, n) => driveLine(n, PREPARED_FROM_MS));
  writeFileSync(dir.file("lines"), written.join(""));
  const lines = mapLines(dir.file("lines"), partLinesMin);
  expect(lines.count).toBe(count);
  for (const n of [0, partLinesMin - 1, partLinesMin, 2 * partLinesMin - 1, 2 * partLinesMin, count - 1]) {
    expect(`${Buffer.from(lines.line(n)).toString()}\n`).toBe(written[n] ?? "");
  }
});
