import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { probeDirectory } from "./probe.ts";

test("a folder that takes files is well, and nothing is left in it", async () => {
  using dir = tempDir();
  mkdirSync(dir.file(".in-progress"));
  const before = statSync(dir.path).mtimeMs;
  expect(await probeDirectory(dir.path)).toEqual({ what: dir.path, says: "can be written to" });
  expect(readdirSync(dir.path)).toEqual([".in-progress"]);
  expect(statSync(dir.path).mtimeMs).toBe(before);
});

test("a folder that is missing is well where it can be made, and is not made", async () => {
  using dir = tempDir();
  const directory = dir.file("lake/today");
  expect(await probeDirectory(directory)).toEqual({ what: directory, says: `missing; can be made in ${dir.path}` });
  expect(readdirSync(dir.path)).toEqual([]);
});

test("a file where the folder should be is trouble, or above it, is trouble", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("lake"), "");
  for (const directory of [dir.file("lake"), dir.file("lake/today")]) {
    expect(await probeDirectory(directory)).toMatchObject({ what: directory, error: { code: "EDGE_SINK_FILE" } });
  }
});
