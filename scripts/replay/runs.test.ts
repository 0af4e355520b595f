import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { findTestFiles } from "../runner/test-files.ts";
import { renderReplayTable, replayRuns } from "./runs.ts";

function project(files: Readonly<Record<string, string>>) {
  const dir = tempDir();
  mkdirSync(dir.file("scripts/replay"), { recursive: true });
  mkdirSync(dir.file("shared"));
  for (const [path, text] of Object.entries(files)) writeFileSync(dir.file(path), text);
  return dir;
}

const good = 'import { test } from "bun:test"; test("good", () => {});';
const bad = 'import { test } from "bun:test"; test("bad", () => { throw new Error("no"); });';
const shortOnly = `import { expect, test } from "bun:test"; test("short", () => expect([process.env.TAILGATE_LONG, process.env.TAILGATE_BINARY]).toEqual(["0", "/edge"]));`;

test("each promise is run as often as asked, and the table shows who failed when", async () => {
  using dir = project({
    "scripts/replay/keeps-order.e2e.test.ts": good,
    "scripts/replay/loses-nothing.e2e.test.ts": bad,
    "scripts/replay/short-form.e2e.test.ts": shortOnly,
  });
  const seen: string[] = [];
  const onResult = ({ name }: { name: string }, run: number) => seen.push(`${run} ${name}`);
  const table = await replayRuns({ root: dir.path, runs: 2, jobs: 1, form: "short", binary: "/edge", onResult });
  expect(seen).toEqual(
    ["keeps-order", "loses-nothing", "short-form"]
      .flatMap((name) => [`1 ${name}`])
      .concat(["keeps-order", "loses-nothing", "short-form"].map((name) => `2 ${name}`)),
  );
  expect(renderReplayTable(table)).toMatch(
    /^keeps-order +0 s +0 s\nloses-nothing +FAILED +FAILED\nshort-form +0 s +0 s$/,
  );
}, 20_000);

test("several are tried at the same time, with ports of their own, and each result stands under its run", async () => {
  const meets = (own: string, other: string) => `
    import { existsSync, writeFileSync } from "node:fs"; import { expect, test } from "bun:test";
    test("both run", async () => {
      writeFileSync(${JSON.stringify(`${own}`)}, process.env.TAILGATE_PORT_SHARE);
      while (!existsSync(${JSON.stringify(`${other}`)})) await Bun.sleep(5);
    });`;
  using met = tempDir();
  using dir = project({
    "scripts/replay/one.e2e.test.ts": meets(met.file("1"), met.file("2")),
    "scripts/replay/two.e2e.test.ts": meets(met.file("2"), met.file("1")),
  });
  const options = { root: dir.path, runs: 2, jobs: 2, form: "short", binary: "/edge", onResult: () => {} } as const;
  const table = await replayRuns(options);
  expect([...table.values()].map((results) => results.map(({ passed, failed }) => [passed, failed]))).toEqual(
    Array.from({ length: 2 }, () => Array.from({ length: 2 }, () => [1, 0])),
  );
  expect(["1", "2"].map((file) => readFileSync(met.file(file), "utf8")).sort()).toEqual(["0/2", "1/2"]);
}, 20_000);

test("a promise is chosen by a part of its name, and one that is not there is an error", async () => {
  using dir = project({
    "scripts/replay/keeps-order.e2e.test.ts": good,
    "scripts/replay/loses-nothing.e2e.test.ts": bad,
  });
  const options = { root: dir.path, runs: 1, jobs: 1, form: "full", binary: "/edge", onResult: () => {} } as const;
  expect([...(await replayRuns({ ...options, only: "order" })).keys()]).toEqual(["keeps-order"]);
  await expect(replayRuns({ ...options, only: "nobody" })).rejects.toThrow("no promise is called nobody");
}, 20_000);

test("test files are told apart by their suffix, promises by their folder", () => {
  const names = [
    "a.test.ts",
    "b.crash.test.ts",
    "c.sim.test.ts",
    "d.integration.test.ts",
    "e.e2e.test.ts",
    "f.bench.ts",
  ];
  using dir = project({
    ...Object.fromEntries(names.map((name) => [`shared/${name}`, ""])),
    "scripts/replay/p.e2e.test.ts": "",
    "scripts/replay/q.test.ts": "",
  });
  expect(findTestFiles(dir.path)).toEqual({
    unit: ["scripts/replay/q.test.ts", "shared/a.test.ts"],
    crash: ["shared/b.crash.test.ts"],
    sim: ["shared/c.sim.test.ts"],
    integration: ["shared/d.integration.test.ts"],
    e2e: ["shared/e.e2e.test.ts"],
    promises: ["scripts/replay/p.e2e.test.ts"],
  });
});
