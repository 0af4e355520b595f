import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../shared/testing/child.ts";

const root = join(import.meta.dir, "../..");
const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** Ours; the others are programs of others, with a help of their own. */
const ours = Object.entries(scripts).filter(([, command]) => /^bun \S+\.ts$/.test(command));

test("what runs before a script is the same whatever is asked of it: it brings in our packages, and nothing else", () => {
  const before = Object.entries(scripts).filter(([name]) => scripts[name.replace(/^pre/, "")] !== scripts[name]);
  expect(before.length).toBeGreaterThan(10);
  expect([...new Set(before.map(([, command]) => command))]).toEqual(["npx --yes bun@1.4.5 install --silent"]);
});

/** Those that pages name, beside them. */
const others = ["scripts/pilot/simulator/check.ts", "scripts/bench/smoke.ts"];
const files = [...ours.map(([, command]) => command.split(" ")[1] ?? ""), ...others];

test.each(files)(
  "%s --help prints help, and does nothing",
  async (file) => {
    await using child = startChild({ command: [process.execPath, join(root, file), "--help"] });
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.tail().length).toBeGreaterThan(40);
  },
  120_000,
);
