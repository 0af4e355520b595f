import { basename } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import { alone } from "../runner/alone.ts";
import { bunTests } from "../runner/bun-tests.ts";
import { sideBySide, type Turn } from "../runner/side-by-side.ts";
import type { StepResult } from "../runner/step.ts";
import { findTestFiles } from "../runner/test-files.ts";

/** Which promises are tried, how often, and how thoroughly. */
export interface ReplayOptions {
  readonly root: string;
  readonly runs: number;
  /** A part of a promise's name; all when not given. */
  readonly only?: string;
  /** `short` is what `npm test` runs: less data, the same faults. Tests read it from TAILGATE_LONG. */
  readonly form: "short" | "full";
  /** The compiled edge, so that not every file builds its own; they find it in TAILGATE_BINARY. */
  readonly binary: string;
  /** Promises tried at the same time, each with its own brokers, folders and ports. They mostly wait. */
  readonly jobs: number;
  readonly onResult: (result: StepResult, run: number) => void;
}

/** Results by promise, one a run. */
export type ReplayTable = ReadonlyMap<string, readonly StepResult[]>;

const minute = 60_000;

/**
 * Runs the offline-replay tests, each promise in a process of its own, so that one that dies or hangs is one failure.
 *
 * @throws AppError `USAGE` when no promise has that name.
 */
export async function replayRuns(options: ReplayOptions): Promise<ReplayTable> {
  const { root, runs, only = "", jobs, onResult } = options;
  const files = findTestFiles(root).promises.filter((path) => promiseName(path).includes(only));
  if (files.length === 0) throw new AppError("USAGE", `replay: no promise is called ${only || "anything"}`);
  const table = new Map<string, StepResult[]>(files.map((path) => [promiseName(path), []]));
  const runOf = new Map<Turn, number>();
  for (let run = 1; run <= runs; run++) for (const path of files) runOf.set(replayTurn(path, options), run);
  await sideBySide([...runOf.keys()], {
    jobs,
    onResult: (result, turn) => {
      const run = runOf.get(turn) ?? 1;
      const results = table.get(turn.name);
      if (results !== undefined) results[run - 1] = result;
      onResult(result, run);
    },
  });
  return table;
}

/** One promise tried once, to be run beside others. */
export function replayTurn(path: string, options: Pick<ReplayOptions, "root" | "form" | "binary">): Turn {
  const { root, form, binary } = options;
  const name = promiseName(path);
  const ours = { TAILGATE_LONG: form === "full" ? "1" : "0", TAILGATE_BINARY: binary };
  const limits = { testTimeoutMs: 10 * minute, withinMs: 20 * minute };
  const run: Turn["run"] = (env) => bunTests(name, [path], { cwd: root, ...limits, env: { ...env, ...ours } });
  return { name, kind: "offline replay", alone: path in alone, run };
}

/** The table for people: a row a promise, a column a run, seconds or FAILED. */
export function renderReplayTable(table: ReplayTable): string {
  const width = Math.max(...[...table.keys()].map((name) => name.length)) + 2;
  return [...table]
    .map(([name, results]) => {
      const cells = results.map(({ failed, seconds }) =>
        (failed > 0 ? "FAILED" : `${seconds.toFixed(0)} s`).padStart(7),
      );
      return name.padEnd(width) + cells.join("");
    })
    .join("\n");
}

function promiseName(path: string): string {
  return basename(path, ".e2e.test.ts");
}
