/**
 * A look at the numbers in under a minute, for `npm test`: fails when the edge costs three times what was recorded, or
 * loses or repeats a line. Costs are CPU seconds divided by a calibration of the same run, so that neither the machine's
 * speed nor its company counts.
 *
 *     bun scripts/bench/smoke.ts             compares with baseline.json
 *     bun scripts/bench/smoke.ts --record    writes it
 */
import { messageOf } from "../../shared/errors/app-error.ts";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { type Comparison, compare, GROSS_LOSS, loadBaseline, type Measure, saveBaseline } from "./baseline.ts";
import { Bench, type Progress } from "./bench.ts";
import { calibrate } from "./calibration.ts";
import { defaultFlow } from "./cases/case.ts";
import { measureFlow } from "./measure/flow.ts";
import { measureManyFiles } from "./measure/many-files.ts";
import { measurePace } from "./measure/pace.ts";
import { parseOptions } from "./options.ts";
import type { Metrics } from "./report/columns.ts";

const help = askedHelp(import.meta.path);
if (help !== undefined) {
  console.log(help);
  process.exit(0);
}

const lines = 200_000;
const linesPerSecond = 100;
const seconds = 8;
const tries = 2;
const manyFiles = { files: 5_000, written: 200, linesPerSecond: 20, seconds: 8, calmSeconds: 4 };

/** What the smoke found. */
export interface SmokeReport {
  readonly comparisons: readonly Comparison[];
  /** Lines lost, repeated, altered or out of order in all its runs together. */
  readonly wrongLines: number;
  readonly passed: boolean;
}

/**
 * Runs it: about a minute, most of it waiting.
 *
 * @throws AppError when the edge's binary or the broker cannot be had.
 */
export async function runSmoke(progress: Progress, record = false): Promise<SmokeReport> {
  const { ratios, wrongLines } = await measure(progress);
  if (record) saveBaseline(ratios);
  const comparisons = compare(ratios, loadBaseline());
  return { comparisons, wrongLines, passed: wrongLines === 0 && comparisons.every(({ passed }) => passed) };
}

async function measure(progress: Progress): Promise<{ ratios: Record<Measure, number>; wrongLines: number }> {
  await using bench = await Bench.open(parseOptions(["--quick", "--no-disk", "--peers", "none"], [], []), progress);
  const agent = bench.requireOurs();
  const calibrations = [calibrate(bench.place.data)];
  const runs: Metrics[] = [];
  const plain: Metrics[] = [];
  const intercepted: Metrics[] = [];
  for (let nth = 0; nth < tries; nth++) {
    plain.push(await measureFlow(bench, { agent, flow: defaultFlow, lines, partitions: 1 }));
    const flow = { ...defaultFlow, interceptors: true };
    intercepted.push(await measureFlow(bench, { agent, flow, lines, partitions: 1 }));
  }
  const slow = await measurePace(bench, { agent, flow: defaultFlow, linesPerSecond, seconds });
  const many = await measureManyFiles(bench, { agent, flow: defaultFlow, ...manyFiles });
  calibrations.push(calibrate(bench.place.data));
  runs.push(...plain, ...intercepted, slow, many);
  const floor = Math.min(...calibrations);
  const least = (all: readonly Metrics[]) => Math.min(...all.map(({ cpuPerMillion = Number.NaN }) => cpuPerMillion));
  return {
    ratios: {
      throughputCpu: least(plain) / floor,
      interceptorsCpu: least(intercepted) / floor,
      lowRateCpu: (slow.cpuPercent ?? Number.NaN) / floor,
      manyFilesCpu: (many.cpuPercent ?? Number.NaN) / floor,
    },
    wrongLines: runs.reduce((sum, run) => sum + wrong(run), 0),
  };
}

function wrong({ lost = 0, repeated = 0, altered = 0, disordered = 0 }: Metrics): number {
  return lost + repeated + altered + disordered;
}

if (import.meta.main) {
  try {
    const report = await runSmoke((text) => console.error(`  ${text}`), process.argv.includes("--record"));
    for (const { measure, ratio, recorded, passed } of report.comparisons) {
      const limit = recorded === undefined ? "never recorded" : `at most ${(recorded * GROSS_LOSS).toFixed(2)}`;
      console.log(`${passed ? "ok  " : "FAIL"} ${measure} ${ratio.toFixed(2)} × the calibration (${limit})`);
    }
    console.log(
      `${report.wrongLines === 0 ? "ok  " : "FAIL"} ${report.wrongLines} lines lost, repeated, altered or out of order`,
    );
    process.exitCode = report.passed ? 0 : 1;
  } catch (thrown) {
    console.error(`bench smoke: ${messageOf(thrown)}`);
    process.exitCode = 1;
  }
}
