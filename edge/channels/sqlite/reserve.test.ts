import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { Reserve } from "./reserve.ts";

const MiB = 1024 * 1024;

function bytesWritten(): number {
  return Number(/wchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

test("the reserve holds blocks of the disk that were never written", () => {
  using dir = tempDir();
  const reserve = new Reserve(dir.file("reserve"), 8 * MiB);
  const before = bytesWritten();
  while (reserve.missingBytes > 0) reserve.grow();
  const { size, blocks } = statSync(dir.file("reserve"));
  expect(size).toBe(8 * MiB);
  expect(blocks * 512).toBeGreaterThanOrEqual(8 * MiB);
  expect(bytesWritten() - before).toBeLessThan(MiB);
});

test("a reserve that was begun by writing is written to its end, and given back whole", async () => {
  using dir = tempDir();
  await Bun.write(dir.file("reserve"), Buffer.alloc(3 * MiB, 7));
  const reserve = new Reserve(dir.file("reserve"), 4 * MiB + 5);
  while (reserve.missingBytes > 0) reserve.grow();
  expect(statSync(dir.file("reserve")).size).toBe(4 * MiB + 5);
  reserve.release();
  expect(existsSync(dir.file("reserve"))).toBe(false);
  expect(reserve.missingBytes).toBe(4 * MiB + 5);
});
