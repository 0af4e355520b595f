import { expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };

const scripts: Readonly<Record<string, string>> = packageJson.scripts;

test.each(["replay", "bench", "pictures"])(
  "npm run %s brings in what a fresh machine lacks, as npm test does",
  (name) => {
    expect(scripts[name]).toBeDefined();
    expect(scripts[`pre${name}`]).toEndWith("&& bun scripts/setup/setup.ts");
  },
);

test("npm run simulate, central and edge work on a fresh clone, before anything was installed", () => {
  for (const name of ["simulate", "central", "edge", "generate", "format"])
    expect(scripts[`pre${name}`] ?? "missing").toStartWith("npx --yes bun@1.4.5 install");
});
