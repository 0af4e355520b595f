import { expect, test } from "bun:test";
import { openSync } from "node:fs";
import { join } from "node:path";

const main = join(import.meta.dir, "main.ts");

test.each([
  ["--help", undefined],
  ["version", undefined],
  ["list", undefined],
  ["schema", undefined],
  ["init", "tail/kafka"],
  ["pattern", "a+b"],
])(
  "output that cannot be written is a failure: %s",
  async (verb, argument) => {
    const words = argument === undefined ? [verb] : [verb, argument];
    const child = Bun.spawn([process.execPath, main, ...words], { stdout: openSync("/dev/full", "w"), stderr: "pipe" });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toStartWith(
      "tailgate: cannot write to standard output: ENOSPC: no space left on device, write",
    );
  },
  60_000,
);
