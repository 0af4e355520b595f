/** `npm run check`: the gate at the desk, the same as in CI, in under a minute. */
import { join } from "node:path";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { printStep, summary } from "../runner/step.ts";
import { checkSteps } from "./check-steps.ts";

const help = askedHelp(import.meta.path);
if (help !== undefined) {
  console.log(help);
  process.exit(0);
}

const secondsMax = 60;
const slowestShown = 8;

const startMs = performance.now();
const results = await checkSteps(join(import.meta.dir, "../.."), printStep);
const seconds = (performance.now() - startMs) / 1000;
if (seconds > secondsMax) {
  console.log(`took ${seconds.toFixed(0)} s, which is over ${secondsMax} s; the slowest test files:`);
  const files = results.flatMap(({ files = [] }) => files).sort((a, b) => b.seconds - a.seconds);
  for (const file of files.slice(0, slowestShown))
    console.log(`  ${file.seconds.toFixed(1).padStart(5)} s  ${file.path}`);
}
console.log(summary(results));
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
