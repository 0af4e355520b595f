import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { openFolders, removeLeftovers } from "./folders.ts";

test("what a killed bench left is removed; what a living one uses, and what is not a bench's, stays", () => {
  using dir = tempDir();
  const dead = Bun.spawnSync(["true"]).pid;
  const left = `tailgate-bench-${dead}-a1b2c3`;
  const stays = [`tailgate-bench-${process.pid}-d4e5f6`, "tailgate-benches", "other"];
  for (const name of [left, ...stays]) mkdirSync(join(dir.path, name, "kafka"), { recursive: true });
  removeLeftovers(dir.path);
  expect(readdirSync(dir.path).sort()).toEqual([...stays].sort());
});

test("both directories go with the place", () => {
  using dir = tempDir();
  const place = openFolders({ dataDir: dir.path, big: false });
  expect(readdirSync(dir.path)).toEqual([expect.stringContaining(`tailgate-bench-${process.pid}-`)]);
  place[Symbol.dispose]();
  expect(readdirSync(dir.path)).toEqual([]);
});
