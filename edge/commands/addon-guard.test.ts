import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { removeDamagedAddons } from "./addon-guard.ts";

test("run from source nothing was unpacked, and nothing is removed (compiled: binary.e2e.test.ts)", async () => {
  using dir = tempDir();
  const file = dir.file(`.bun-${process.getuid?.()}-0123456789abcdef.node`);
  writeFileSync(file, Buffer.alloc(4096));
  expect(await removeDamagedAddons({ BUN_TMPDIR: dir.path })).toEqual([]);
  expect(existsSync(file)).toBe(true);
});
