/**
 * Every flume.conf in this folder, with the config that comes of it and all that is said beside it, in a file of the same name. To
 * see what a change does to them: `bun edge/testing/flume-conf/cases.test.ts` writes them anew, and the difference shows in review.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../../config/load-config.ts";
import { formatProblem } from "../../config/problem.ts";
import { loadFlumeConf } from "../../flume/load-flume-conf.ts";
import { registry } from "../../registry.gen.ts";

const root = join(import.meta.dir, "../../..");
const folder = "edge/testing/flume-conf";
const environment = {
  HOME: "/home/flume",
  SPOOL_DIR: "/srv/spool",
  BROKERS: "k1:9092,k2:9092",
  KAFKA_PASSWORD: "hidden",
};
const names = readdirSync(join(root, folder))
  .filter((name) => name.endsWith(".conf"))
  .sort();
/** The agent of a file that describes several. */
const agents: Readonly<Record<string, string>> = { "several-agents.conf": "agent1" };

async function outcome(name: string): Promise<string> {
  process.chdir(root);
  const path = join(folder, name);
  const conf = { path, agent: agents[name], dataDir: undefined, registry, environment, folder: "/opt/flume" };
  const { loaded, yaml, doubts, nothings } = await loadFlumeConf(conf);
  const said = (what: string, all: readonly Parameters<typeof formatProblem>[0][]) =>
    all.map((problem) => `# [${what}] ${formatProblem(problem)}\n`).join("");
  if (!loaded.ok) return `${said("warning", doubts)}${said("mistake", loaded.problems)}`;
  return `${said("note", nothings)}${said("warning", loaded.warnings)}${yaml}`;
}

const expected = (name: string) => join(root, folder, name.replace(".conf", ".yaml"));

// The first file of a run of tests is its main one, too.
if (import.meta.main && process.env.NODE_ENV !== "test") {
  for (const name of names) writeFileSync(expected(name), await outcome(name));
} else {
  describe("flume.conf", () => {
    test("there are many of them", () => {
      expect(names.length).toBeGreaterThanOrEqual(20);
    });

    test.each(names)("%s", async (name) => {
      const text = await outcome(name);
      expect(text).toBe(readFileSync(expected(name), "utf8"));
      // What was written stands on its own: it loads as any config does.
      if (text.includes("agent: ")) {
        const loaded = parseConfig(join(root, folder, "converted.yaml"), text, registry, environment);
        expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([]);
      }
    });
  });
}
