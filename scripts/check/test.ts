/**
 * `npm test`: everything, in the order in which things fail soonest: set-up, the checks, then each kind of test from
 * quick to slow, the offline-replay tests in their short form, a smoke of the benchmarks. Ends with one line
 * `N passed, N failed` over all steps; a step that is no test counts as one.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { buildEdge } from "../build/build.ts";
import { replayRuns } from "../replay/runs.ts";
import { setup } from "../setup/setup.ts";
import { bunTests } from "./bun-tests.ts";
import { checkSteps } from "./check-steps.ts";
import { commandStep, printStep, type StepResult, summary } from "./step.ts";
import { findTestFiles, testKinds } from "./test-files.ts";

const root = join(import.meta.dir, "../..");
const minute = 60_000;
const results: StepResult[] = [];

function record(result: StepResult): void {
  results.push(result);
  printStep(result);
}

/** The compiled edge, once for all; empty when it does not build, and every test of it says so for itself. */
async function build(): Promise<string> {
  let binary = "";
  await ownStep("build the edge", async () => {
    binary = await buildEdge();
  });
  return binary;
}

async function ownStep(name: string, work: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  const seconds = () => (performance.now() - startMs) / 1000;
  try {
    await work();
    record({ name, passed: 1, failed: 0, seconds: seconds(), output: "" });
  } catch (thrown) {
    const hint = thrown instanceof AppError ? `\n${thrown.hint}` : "";
    record({ name, passed: 0, failed: 1, seconds: seconds(), output: `${messageOf(thrown)}${hint}` });
  }
}

/** A process for each file: what one leaves behind, or takes down with it, is no other's trouble. */
async function slowTests(): Promise<void> {
  const found = findTestFiles(root);
  for (const kind of testKinds.filter((each) => each !== "unit")) {
    for (const path of found[kind]) {
      record(await bunTests(path, [path], { cwd: root, testTimeoutMs: 5 * minute, withinMs: 15 * minute }));
    }
  }
}

async function promises(): Promise<void> {
  await replayRuns({ root, runs: 1, jobs: 1, form: "short", binary, onResult: record });
}

async function benchSmoke(): Promise<void> {
  const smoke = "scripts/bench/smoke.ts";
  if (!existsSync(join(root, smoke))) return;
  record(await commandStep("benchmark smoke", [process.execPath, smoke], { cwd: root, withinMs: 10 * minute }));
}

/** What throws where nothing should is one failure, and the rest is still run: all failures are seen, and counted at the end. */
async function guarded(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    record({ name, passed: 0, failed: 1, seconds: 0, output: messageOf(thrown) });
  }
}

await ownStep("set-up", () => setup("test", (line) => console.log(line)));
await guarded("checks", () => checkSteps(root, record));
const binary = await build();
await guarded("slow tests", slowTests);
await guarded("offline-replay tests", promises);
await guarded("benchmark smoke", benchSmoke);
console.log(summary(results));
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
