/**
 * `npm test`: everything, in the order in which things fail soonest: set-up, the checks, then each kind of test from
 * quick to slow, the offline-replay tests in their short form, a smoke of the benchmarks. The slow ones run side by side,
 * those that measure by themselves (`alone.ts`). Ends with what each kind took, and one line `N passed, N failed` over all
 * steps; a step that is no test counts as one.
 */
import { basename, join } from "node:path";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { buildEdge } from "../build/build.ts";
import { replayTurn } from "../replay/runs.ts";
import { alone } from "../runner/alone.ts";
import { bunTests } from "../runner/bun-tests.ts";
import { renderKindTimes, sideBySide, type Turn } from "../runner/side-by-side.ts";
import { commandStep, printStep, type StepResult, summary } from "../runner/step.ts";
import { findTestFiles, type TestKind, testKinds } from "../runner/test-files.ts";
import { setup } from "../setup/setup.ts";
import { checkSteps } from "./check-steps.ts";

const help = askedHelp(import.meta.path);
if (help !== undefined) {
  console.log(help);
  process.exit(0);
}

const root = join(import.meta.dir, "../..");
const minute = 60_000;
/** Most of them wait for brokers most of the time: one more than a small machine has cores. */
const jobs = 3;
const startMs = performance.now();
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

function shortName(path: string): string {
  return basename(path).replace(/\.test\.ts$/, "");
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
function slowTurns(): Turn[] {
  const found = findTestFiles(root);
  const limits = { testTimeoutMs: 5 * minute, withinMs: 15 * minute };
  const ofKind = (kind: TestKind): Turn[] =>
    found[kind].map((path) => ({
      name: path,
      kind,
      alone: path in alone,
      run: (env) => bunTests(path, [path], { cwd: root, ...limits, env }),
    }));
  const kinds = testKinds.filter((kind) => kind !== "unit");
  return [
    ...kinds.flatMap(ofKind),
    ...found.promises.map((path) => replayTurn(path, { root, form: "short", binary })),
    benchSmoke,
  ];
}

const benchSmoke: Turn = {
  name: "benchmark smoke",
  kind: "benchmark",
  alone: true,
  run: (env) =>
    commandStep("benchmark smoke", [process.execPath, "scripts/bench/smoke.ts"], {
      cwd: root,
      withinMs: 10 * minute,
      env,
    }),
};

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
await guarded("slow tests", async () => {
  const onProgress = (running: readonly string[], ended: number, all: number) =>
    console.log(`       ${ended} of ${all} done; running: ${running.map(shortName).join(", ")}`);
  const times = await sideBySide(slowTurns(), { jobs, onResult: record, onProgress });
  console.log(`\n${renderKindTimes(times)}\n`);
});
console.log(`${((performance.now() - startMs) / minute).toFixed(1)} minutes, ${summary(results)}`);
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
