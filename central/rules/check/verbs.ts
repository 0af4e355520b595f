/** `tailgate-central rules check FILE` and `rules test FILE`. */
import { formatDuration } from "../../../shared/config/duration.ts";
import { readRules } from "../file/read.ts";
import { runRuleTests } from "./rule-tests.ts";

/** Prints what the file holds. Gives the exit code. @throws AppError `CONFIG_INVALID` with every mistake. */
export function checkRules(file: string): number {
  const { rules, tests } = readRules(file);
  const lines = rules.map(({ name, streams, text, forMs }) => {
    const lasting = forMs === 0 ? "" : ` for ${formatDuration(forMs)}`;
    return `  ${name} (${streams.join(", ")}): ${text}${lasting}`;
  });
  const head = `${file}: ${rules.length} rules, ${tests.length} tests (run them with: rules test ${file})`;
  process.stdout.write(`${[head, ...lines].join("\n")}\n`);
  return 0;
}

/** Runs the file's tests and prints what they came to. The exit code is 1 when one has failed. @throws AppError as above. */
export function testRules(file: string): number {
  const { tests, ...set } = readRules(file);
  const results = runRuleTests(set, tests);
  const failed = results.filter(({ complaints }) => complaints.length > 0);
  const lines = results.flatMap(({ name, complaints }) => [
    `  ${complaints.length === 0 ? "ok    " : "FAILED"} ${name}`,
    ...complaints.map((complaint) => `         ${complaint}`),
  ]);
  const head = `${file}: ${results.length} tests, ${failed.length} failed`;
  process.stdout.write(`${[head, ...lines].join("\n")}\n`);
  return failed.length === 0 ? 0 : 1;
}
