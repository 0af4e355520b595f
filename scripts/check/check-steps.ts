import { portShareVariable } from "../../shared/testing/free-port.ts";
import { bunTests } from "../runner/bun-tests.ts";
import { commandStep, type StepResult } from "../runner/step.ts";
import { findTestFiles } from "../runner/test-files.ts";

/** As many as a small machine has cores. */
const unitProcesses = 2;

/** What every change must pass: types, lint and format, tidy rules, generated files fresh, unit tests. */
export async function checkSteps(root: string, onResult: (result: StepResult) => void): Promise<StepResult[]> {
  // Several times what it takes on two quiet cores, so that it bounds a hang only: a busy machine is no failure.
  const options = { cwd: root, withinMs: 300_000 };
  const bin = (name: string) => `${root}/node_modules/.bin/${name}`;
  const step = async (result: Promise<StepResult>) => {
    onResult(await result);
    return await result;
  };
  const statics = await Promise.all([
    step(commandStep("types (tsc)", [bin("tsc"), "-p", "."], options)),
    step(commandStep("types of the page (tsc)", [bin("tsc"), "-p", "central/web/client", "--noEmit"], options)),
    step(commandStep("lint and format (biome)", [bin("biome"), "ci", "--colors=off", "."], options)),
    step(commandStep("tidy", [process.execPath, "scripts/check/tidy.ts"], options)),
    step(commandStep("generated files fresh", [process.execPath, "scripts/check/generate.ts", "--check"], options)),
  ]);
  const unit = findTestFiles(root).unit;
  const limits = { ...options, withinMs: 1_200_000, testTimeoutMs: 20_000 };
  // One process works on one core. What belongs together lies side by side, so it is dealt out like cards.
  const parts = Array.from({ length: unitProcesses }, (_, part) => unit.filter((_, at) => at % unitProcesses === part));
  const tests = parts.map((files, part) => {
    const env = { [portShareVariable]: `${part}/${unitProcesses}` };
    const name = `unit tests ${part + 1} of ${unitProcesses} (${files.length} files)`;
    return step(bunTests(name, files, { ...limits, env }));
  });
  return [...statics, ...(await Promise.all(tests))];
}
