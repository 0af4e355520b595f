import { startChild } from "../../shared/testing/child.ts";

const shownLinesMax = 120;

/** How a step ended; steps that are no tests count as one each. */
export interface StepResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What to show when it failed. */
  readonly output: string;
  /** Of a step that ran test files: what each took, the slowest first. */
  readonly files?: readonly FileTime[];
}

/** How long one test file took. */
export interface FileTime {
  readonly path: string;
  readonly seconds: number;
}

/** A step that is a command: passes when it exits with 0 within the deadline. */
export async function commandStep(
  name: string,
  command: readonly string[],
  options: { readonly cwd: string; readonly withinMs: number; readonly env?: Readonly<Record<string, string>> },
): Promise<StepResult> {
  const startMs = performance.now();
  await using child = startChild({ name, command, cwd: options.cwd, env: { NO_COLOR: "1", ...options.env } });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.signalGroup("SIGKILL");
  }, options.withinMs);
  const { code } = await child.exited;
  clearTimeout(timer);
  const ok = code === 0;
  const lateness = late ? `killed after ${options.withinMs / 1000} s\n` : "";
  return {
    name,
    passed: ok ? 1 : 0,
    failed: ok ? 0 : 1,
    seconds: (performance.now() - startMs) / 1000,
    output: `${lateness}${child.tail(20_000)}`,
  };
}

/** Prints one line for a step, and what it said when it failed. */
export function printStep(result: StepResult): void {
  const { name, passed, failed, seconds, output } = result;
  const counts = passed + failed > 1 ? `${passed} passed${failed > 0 ? `, ${failed} failed` : ""}, ` : "";
  console.log(`${failed === 0 ? "ok    " : "FAILED"} ${name.padEnd(44)} ${counts}${seconds.toFixed(1)} s`);
  if (failed > 0) console.log(indent(shorten(output.trim())));
}

/** The sum over steps, as the last line of a run says it. */
export function summary(results: readonly StepResult[]): string {
  const sum = (of: (result: StepResult) => number) => results.reduce((total, result) => total + of(result), 0);
  return `${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`;
}

/** The end of it: a run with many failures must stay readable, and one step alone shows the rest. */
function shorten(output: string): string {
  const lines = output.split("\n");
  if (lines.length <= shownLinesMax) return output;
  return [`… ${lines.length - shownLinesMax} lines more above`, ...lines.slice(-shownLinesMax)].join("\n");
}

function indent(text: string): string {
  return text.replace(/^/gm, "    ");
}
