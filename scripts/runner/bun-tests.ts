import { existsSync, readFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { commandStep, type FileTime, type StepResult } from "./step.ts";

/** How test files are run. */
export interface BunTestOptions {
  readonly cwd: string;
  /** For one test, where it does not say otherwise. */
  readonly testTimeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
  /** For all files together. */
  readonly withinMs: number;
}

/** Runs test files in one process of `bun test`; counts by its JUnit report, not by what it prints. */
export async function bunTests(name: string, files: readonly string[], options: BunTestOptions): Promise<StepResult> {
  using dir = tempDir("tailgate-junit-");
  const report = dir.file("report.xml");
  const step = await commandStep(
    name,
    [
      process.execPath,
      "test",
      ...files.map((file) => `./${file}`),
      `--timeout=${options.testTimeoutMs}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
    ],
    options,
  );
  const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
  const verdict = judge(countReport(xml), step.failed === 0);
  return { ...step, ...verdict, output: onlyFailures(step.output), files: fileTimes(xml) };
}

/** What a JUnit report counts: the tests of its root, and those that failed or were skipped. */
export function countReport(xml: string): { tests: number; failures: number; skipped: number } | undefined {
  const root = /<testsuites\b([^>]*)>/.exec(xml)?.[1];
  if (root === undefined) return undefined;
  const attribute = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? "0");
  return { tests: attribute("tests"), failures: attribute("failures"), skipped: attribute("skipped") };
}

/** What each test file of a JUnit report took, the slowest first. A file's own suite carries its path as name; the others nest in it. */
export function fileTimes(xml: string): FileTime[] {
  const suites = xml.matchAll(/<testsuite name="([^"]*)" file="([^"]*)"[^>]*? time="([\d.]+)"/g);
  return [...suites]
    .flatMap(([, name, file = "", seconds]) => (name === file ? [{ path: file, seconds: Number(seconds) }] : []))
    .sort((a, b) => b.seconds - a.seconds);
}

/**
 * Passed and failed from the report and the exit code, which must agree: a run that died or that failed outside any
 * test is one failure more; a skipped test has not passed; no tests at all is a failure too.
 */
export function judge(
  counted: ReturnType<typeof countReport>,
  exitOk: boolean,
): { readonly passed: number; readonly failed: number } {
  if (counted === undefined || counted.tests === 0) return { passed: 0, failed: 1 };
  const failed = counted.failures + counted.skipped;
  return { passed: counted.tests - failed, failed: failed === 0 && !exitOk ? 1 : failed };
}

/** `bun test` names every test that passed; of a failed run only the rest is of interest. */
function onlyFailures(output: string): string {
  return output
    .split("\n")
    .filter((line) => !/^\s*(✓|\(pass\))/.test(line))
    .join("\n")
    .replace(/\n{3,}/g, "\n\n");
}
