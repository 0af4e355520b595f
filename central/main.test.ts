import { expect, test } from "bun:test";
import { openSync } from "node:fs";
import { join } from "node:path";

const command = [process.execPath, join(import.meta.dir, "main.ts"), "--help"];

test("output that cannot be written is a failure", async () => {
  const child = Bun.spawn(command, { stdout: openSync("/dev/full", "w"), stderr: "pipe" });
  expect(await child.exited).toBe(1);
  expect(await new Response(child.stderr).text()).toStartWith("cannot write to standard output: ENOSPC");
}, 60_000);

test("help goes to standard output", async () => {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
  expect(await new Response(child.stdout).text()).toStartWith("tailgate central");
  expect(await child.exited).toBe(0);
}, 60_000);
