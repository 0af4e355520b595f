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

test("every component of the edge stands in the README, in the row of its kind", async () => {
  await using list = startChild({ command: [process.execPath, join(root, "edge", "main.ts"), "list"] });
  expect(await list.exited).toEqual({ code: 0, signal: null });
  const listed = [...list.stdout.matchAll(/^(source|interceptor|selector|channel|sink)\s+(\S+)/gm)];
  expect(listed.length).toBeGreaterThan(40);
  const missing = listed.filter(([, kind, type]) => {
    const row = readme.split("\n").find((line) => line.startsWith(`| ${kind}s`)) ?? "";
    return !row.includes(`\`${type}\``);
  });
  expect(missing.map(([line]) => line)).toEqual([]);
});
