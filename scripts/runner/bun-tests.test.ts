import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { bunTests, countReport, fileTimes, judge } from "./bun-tests.ts";

async function run(source: string, testTimeoutMs = 5_000, withinMs = 20_000) {
  using dir = tempDir();
  writeFileSync(dir.file("a.test.ts"), `import { expect, test } from "bun:test";\n${source}`);
  const { passed, failed, output } = await bunTests("a", ["a.test.ts"], { cwd: dir.path, testTimeoutMs, withinMs });
  return { passed, failed, output };
}

test("passed and failed tests are counted, and the output keeps what failed", async () => {
  const result = await run('test("good", () => {}); test("bad", () => expect(1).toBe(2));');
  expect(result).toMatchObject({ passed: 1, failed: 1 });
  expect(result.output).toContain("bad");
  expect(result.output).not.toContain("good");
});

test("a test over its time is a failure", async () => {
  expect(await run('test("slow", () => new Promise(() => {}));', 50)).toMatchObject({ passed: 0, failed: 1 });
});

test("a file that does not load, or ends the process, is a failure", async () => {
  expect((await run("throw new Error('no');")).failed).toBe(1);
  expect((await run('test("good", () => {}); test("exit", () => process.exit(0));')).failed).toBeGreaterThan(0);
  expect((await run('test("crash", () => process.kill(process.pid, "SIGKILL"));')).failed).toBe(1);
});

test("a run over the deadline is killed and says so", async () => {
  const result = await run('test("for ever", () => { for (;;) {} });', 60_000, 1_000);
  expect(result).toMatchObject({ passed: 0, failed: 1 });
  expect(result.output).toContain("killed after 1 s");
});

test("skipped tests have not passed, and an exit code that disagrees with the report is a failure", () => {
  expect(judge({ tests: 5, failures: 1, skipped: 1 }, false)).toEqual({ passed: 3, failed: 2 });
  expect(judge({ tests: 5, failures: 0, skipped: 0 }, true)).toEqual({ passed: 5, failed: 0 });
  expect(judge({ tests: 5, failures: 0, skipped: 0 }, false)).toEqual({ passed: 5, failed: 1 });
  expect(judge({ tests: 0, failures: 0, skipped: 0 }, true)).toEqual({ passed: 0, failed: 1 });
  expect(judge(undefined, true)).toEqual({ passed: 0, failed: 1 });
  expect(countReport("")).toBeUndefined();
});

test("what each file took is told, the slowest first, suites within a file left out", async () => {
  using dir = tempDir();
  const heavy = "await Bun.sleep(60);";
  const source = (work: string) =>
    `import { describe, test } from "bun:test"; describe("a suite", () => { test("one", async () => { ${work} }); });`;
  writeFileSync(dir.file("quick.test.ts"), source(""));
  writeFileSync(dir.file("heavy.test.ts"), source(heavy));
  const files = ["quick.test.ts", "heavy.test.ts"];
  const result = await bunTests("two", files, { cwd: dir.path, testTimeoutMs: 5_000, withinMs: 20_000 });
  // On a busy machine the quick one may be the slower one: which comes first is told by what both took.
  const times = result.files ?? [];
  expect(times.map(({ path }) => path).toSorted()).toEqual(["heavy.test.ts", "quick.test.ts"]);
  expect(times.find(({ path }) => path === "heavy.test.ts")?.seconds).toBeGreaterThan(0.05);
  expect(times.map(({ seconds }) => seconds)).toEqual(times.map(({ seconds }) => seconds).toSorted((a, b) => b - a));
  expect(fileTimes("")).toEqual([]);
});

test("the slowest file comes first, whatever the order of the report", () => {
  const suite = (file: string, seconds: string) =>
    `<testsuite name="${file}" file="${file}" tests="1" time="${seconds}">`;
  expect(fileTimes([suite("quick.test.ts", "0.01"), suite("heavy.test.ts", "2.5")].join("\n"))).toEqual([
    { path: "heavy.test.ts", seconds: 2.5 },
    { path: "quick.test.ts", seconds: 0.01 },
  ]);
});
