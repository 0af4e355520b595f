import { existsSync, readFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { commandStep, type StepResult } from "./step.ts";

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
  const counted = existsSync(report) ? countReport(readFileSync(report, "utf8")) : undefined;
  return { ...step, ...judge(counted, step.failed === 0), output: onlyFailures(step.output) };
}

/** What a JUnit report counts: the tests of its root, and those that failed or were skipped. */
export function countReport(xml: string): { tests: number; failures: number; skipped: number } | undefined {
  const root = /<testsuites\b([^>]*)>/.exec(xml)?.[1];
  if (root === undefined) return undefined;
  const attribute = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? "0");
  return { tests: attribute("tests"), failures: attribute("failures"), skipped: attribute("skipped") };
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
