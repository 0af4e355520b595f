import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { alone } from "./alone.ts";

test("every file of the list is there", () => {
  const gone = Object.keys(alone).filter((path) => !existsSync(join(import.meta.dir, "../..", path)));
  expect(gone).toEqual([]);
});
