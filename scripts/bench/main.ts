import { join } from "node:path";
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError, hasCode, messageOf } from "../../shared/errors/app-error.ts";
import { setup } from "../setup/setup.ts";
import { peerProducts } from "./agents/agents.ts";
import { Bench } from "./bench.ts";
import { cases } from "./cases/cases.ts";
import { choose } from "./choice.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { formatSample } from "./report/format-sample.ts";
import { describeMachine } from "./report/machine.ts";
import { writePages } from "./report/pages.ts";
import { ResultStore, type Sample } from "./report/results.ts";

const store = new ResultStore(join(import.meta.dir, "results"));

// An exit takes the children and the bench's files with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  console.error(`bench: ${messageOf(thrown)}`);
  if (thrown instanceof AppError) console.error(thrown.hint);
  process.exitCode = hasCode(thrown, "USAGE") ? 2 : 1;
}

async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(
    argv,
    cases.map(({ name }) => name),
    peerProducts,
  );
  if (options.help) {
    console.log(helpText(cases, peerProducts));
    return 0;
  }
  if (!options.renderOnly) {
    const failed = await measure(options, argv);
    if (options.quick) return failed;
    writePages(store.load());
    return failed;
  }
  writePages(store.load());
  return 0;
}

/** Runs the cases; one that fails is reported and the next one goes on. Returns the exit code. */
async function measure(options: Options, argv: readonly string[]): Promise<number> {
  let failed = 0;
  await setup("test", (line) => console.error(line));
  const choice = choose(cases, options);
  // An agent that takes no part is not built: some take minutes.
  const peers = choice.cases.some((benchCase) => benchCase.peers) ? options.peers : [];
  await using bench = await Bench.open({ ...options, peers, big: choice.big }, (text) => console.error(`  ${text}`));
  const machine = await describeMachine(bench);
  for (const benchCase of choice.cases) {
    console.log(`\n${benchCase.title}`);
    const samples: Sample[] = [];
    try {
      for await (const sample of benchCase.run(bench)) {
        console.log(formatSample(benchCase, sample));
        samples.push(sample);
      }
    } catch (thrown) {
      failed = 1;
      console.error(`case ${benchCase.name}: ${messageOf(thrown)}`);
      continue;
    }
    if (options.quick || samples.length === 0) continue;
    store.save({
      case: benchCase.name,
      at: new Date(systemClock.now()).toISOString(),
      command: ["npm run bench --", ...argv].join(" "),
      machine,
      versions: Object.fromEntries(bench.versions),
      unavailable: [...bench.unavailable],
      samples,
    });
  }
  return failed;
}
