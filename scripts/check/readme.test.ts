import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";

const root = join(import.meta.dir, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

test("the config of the README is valid, and has the twelve lines that were promised", async () => {
  const config = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(config.trimEnd().split("\n").length).toBe(12);
  using dir = tempDir();
  writeFileSync(dir.file("tailgate.yaml"), config);
  const command = [process.execPath, join(root, "edge", "main.ts"), "check", "--config", dir.file("tailgate.yaml")];
  await using check = startChild({ command });
  expect(await check.exited).toEqual({ code: 0, signal: null });
  expect(check.tail()).toContain("is valid");
});

test("every npm script that the README names is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const named = [...readme.matchAll(/npm (?:run )?([a-z]+)/g)].map(([, name]) => name ?? "");
  expect(named.length).toBeGreaterThan(4);
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});
