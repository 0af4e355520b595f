/** `npm run check`: the gate at the desk, the same as in CI, in under a minute. */
import { join } from "node:path";
import { checkSteps } from "./steps/check-steps.ts";
import { printStep, summary } from "./steps/step.ts";

const results = await checkSteps(join(import.meta.dir, ".."), printStep);
console.log(summary(results));
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
