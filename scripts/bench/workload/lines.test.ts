import { describe, expect, test } from "bun:test";
import {
  driveLine,
  LINE_BYTES,
  NUMBER_AT,
  NUMBER_BASE,
  PREPARED_FROM_MS,
  TIME_AT,
  WARM_FROM,
  warmLine,
} from "./lines.ts";

describe("driveLine", () => {
  test("is exactly 200 bytes for the first, a late and a very late line, and is JSON", () => {
    for (const n of [0, 1, 99, 999_999, 8_639_999, 99_999_999]) {
      const line = driveLine(n, PREPARED_FROM_MS + n * 10);
      expect(Buffer.byteLength(line)).toBe(LINE_BYTES);
      expect(line.endsWith("\n")).toBe(true);
      expect(JSON.parse(line)).toMatchObject({ n: NUMBER_BASE + n, t: PREPARED_FROM_MS + n * 10 });
    }
  });

  test("has its time and its number at fixed places", () => {
    const line = driveLine(4711, PREPARED_FROM_MS);
    expect(line.slice(TIME_AT, TIME_AT + 13)).toBe(String(PREPARED_FROM_MS));
    expect(line.slice(NUMBER_AT, NUMBER_AT + 10)).toBe(String(NUMBER_BASE + 4711));
  });

  test("compresses between 6:1 and 10:1 in batches of a thousand lines", () => {
    const lines = Array.from({ length: 1000 }, (_, n) => driveLine(500_000 + n, PREPARED_FROM_MS + n * 10)).join("");
    const ratio = lines.length / Bun.zstdCompressSync(Buffer.from(lines), { level: 1 }).length;
    expect(ratio).toBeGreaterThan(6);
    expect(ratio).toBeLessThan(10);
  });
});

test("a warm line has the size of a line and a number that no input has", () => {
  const line = warmLine(3, PREPARED_FROM_MS);
  expect(Buffer.byteLength(line)).toBe(LINE_BYTES);
  expect(JSON.parse(line)).toMatchObject({ n: WARM_FROM + 3 });
});
