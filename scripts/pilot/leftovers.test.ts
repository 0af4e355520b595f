import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { Leftovers } from "./leftovers.ts";

const sleeper = { command: ["sleep", "60"] };

test("what an earlier start has left is ended, once", async () => {
  using dir = tempDir();
  await using child = startChild(sleeper);
  new Leftovers(dir.file("pids.json")).note("edge", child.pid);
  expect(await new Leftovers(dir.file("pids.json")).end()).toEqual(["edge"]);
  expect((await child.exited).signal).toBe("SIGKILL");
  expect(await new Leftovers(dir.file("pids.json")).end()).toEqual([]);
});

test("a pid that belongs to another process by now is left alone", async () => {
  using dir = tempDir();
  const file = dir.file("pids.json");
  await using child = startChild(sleeper);
  new Leftovers(file).note("edge", child.pid);
  const [noted] = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify([{ ...noted, startTicks: "1" }]));
  expect(await new Leftovers(file).end()).toEqual([]);
  expect(child.exit).toBeUndefined();
});

test("a process started again takes the place of the one before", async () => {
  using dir = tempDir();
  const file = dir.file("pids.json");
  await using first = startChild(sleeper);
  await using second = startChild(sleeper);
  const leftovers = new Leftovers(file);
  leftovers.note("edge", first.pid);
  leftovers.note("edge", second.pid);
  leftovers.note("kafka", undefined);
  expect(await new Leftovers(file).end()).toEqual(["edge"]);
  expect(first.exit).toBeUndefined();
});

test("without an earlier start there is nothing to end", async () => {
  using dir = tempDir();
  expect(await new Leftovers(dir.file("pids.json")).end()).toEqual([]);
});
