import { visible } from "../../../shared/telemetry/visible.ts";
import { loadConfig } from "../../config/load-config.ts";
import { type Command, configOption, configPath, forceOption } from "../command.ts";
import { accepted } from "../report-problems.ts";
import { type EventFailure, runTest, type TestResult } from "./run-test.ts";

/** As much of an event as finds it again in the file. */
const shownCharactersMax = 100;

/** `tailgate test`. */
export const configTest: Command = {
  name: "test",
  summary: "Runs the config's own `tests:` through its interceptors and selectors; starts and touches nothing",
  positionals: ["[config]"],
  options: { ...configOption, ...forceOption, json: { summary: "As JSON" } },
  details: "Exit code 0: all green. 1: some are red. 2: the config has mistakes, or no tests.",
  async run(given, world) {
    const path = configPath(given, world);
    const found = loadConfig(path, world.registry, world.environment);
    const loaded = accepted(found, given.flag("force"), world.err);
    if (loaded === undefined) return 2;
    if (loaded.tests.length === 0) {
      world.err(`${path} has no tests: write some under \`tests:\`\n`);
      return 2;
    }
    const results: TestResult[] = [];
    for (const test of loaded.tests) results.push(await runTest(loaded.config, test));
    const failed = results.filter(({ failures }) => failures.length > 0).length;
    if (given.flag("json")) {
      world.out(`${JSON.stringify({ passed: results.length - failed, failed, tests: results }, null, 2)}\n`);
    } else {
      for (const result of results) world.out(visible(render(path, result), true));
      world.out(`${results.length - failed} passed, ${failed} failed\n`);
    }
    return failed === 0 ? 0 : 1;
  },
};

function render(path: string, { name, source, failures }: TestResult): string {
  if (failures.length === 0) return `ok    ${source}: ${name}\n`;
  return `FAIL  ${source}: ${name}\n${failures.map((failure) => renderFailure(path, failure)).join("")}`;
}

function renderFailure(path: string, { event, line, column, body, differences }: EventFailure): string {
  const shown = body.length > shownCharactersMax ? `${body.slice(0, shownCharactersMax)}…` : body;
  const rows = differences.map(
    ({ what, expected, actual }) => `      - ${what}: ${expected}\n      + ${what}: ${actual}\n`,
  );
  return `    ${path}:${line}:${column}: event ${event}: ${JSON.stringify(shown)}\n${rows.join("")}`;
}
