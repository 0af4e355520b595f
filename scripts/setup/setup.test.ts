import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const packageJson: unknown = JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8"));
const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(packageJson);

test.each(["replay", "bench", "pictures"])(
  "npm run %s brings in what a fresh machine lacks, as npm test does, once it is known that no help was asked for",
  (name) => {
    const [, file = ""] = (scripts[name] ?? "").split(" ");
    expect(readFileSync(join(import.meta.dir, "../..", file), "utf8")).toContain('await setup("test", ');
    expect(scripts[`pre${name}`]).not.toContain("setup");
  },
);

test("npm run simulate, central and edge work on a fresh clone, before anything was installed", () => {
  for (const name of ["simulate", "central", "edge", "generate", "format"])
    expect(scripts[`pre${name}`] ?? "missing").toStartWith("npx --yes bun@1.4.5 install");
});
