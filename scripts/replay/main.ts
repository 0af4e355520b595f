/**
 * `npm run replay -- --runs 10 [--only name] [--short] [--jobs 2]`: the offline-replay tests, again and again. Each is a file of
 * scripts/replay named for its promise: a real broker, the compiled edge, the centre, an independent checker.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { buildEdge } from "../build/build.ts";
import { printStep, summary } from "../runner/step.ts";
import { setup } from "../setup/setup.ts";
import { renderReplayTable, replayRuns } from "./runs.ts";

const help = askedHelp(import.meta.path);
if (help !== undefined) {
  console.log(help);
  process.exit(0);
}

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1" },
    only: { type: "string" },
    short: { type: "boolean", default: false },
    jobs: { type: "string", default: "2" },
  },
});

await setup("test", (line) => console.log(line));
const runs = Number(values.runs);
// A copy, outside the tree: all runs try the same binary, whatever somebody builds or removes meanwhile.
using folder = tempDir("tailgate-replay-");
const binary = folder.file("tailgate");
copyFileSync(await buildEdge(), binary);
const table = await replayRuns({
  root: join(import.meta.dir, "../.."),
  runs,
  jobs: Number(values.jobs),
  binary,
  form: values.short ? "short" : "full",
  ...(values.only === undefined ? {} : { only: values.only }),
  onResult: (result, run) => printStep({ ...result, name: `${run}/${runs} ${result.name}` }),
});
const results = [...table.values()].flat();
console.log(`\n${renderReplayTable(table)}\n\n${summary(results)}`);
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
