import { basename } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import { portShareVariable } from "../../shared/testing/free-port.ts";
import { bunTests } from "../check/bun-tests.ts";
import type { StepResult } from "../check/step.ts";
import { findTestFiles } from "../check/test-files.ts";

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
  const { root, runs, only = "", form, binary, jobs, onResult } = options;
  const files = findTestFiles(root).promises.filter((path) => promiseName(path).includes(only));
  if (files.length === 0) throw new AppError("USAGE", `replay: no promise is called ${only || "anything"}`);
  const table = new Map<string, StepResult[]>(files.map((path) => [promiseName(path), []]));
  const due = Array.from({ length: runs }, (_, index) => files.map((path) => ({ path, run: index + 1 }))).flat();
  const work = async (job: number) => {
    const env = {
      TAILGATE_LONG: form === "full" ? "1" : "0",
      TAILGATE_BINARY: binary,
      [portShareVariable]: `${job}/${jobs}`,
    };
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      const { path, run } = next;
      const name = promiseName(path);
      const limits = { testTimeoutMs: 10 * minute, withinMs: 20 * minute };
      const result = await bunTests(name, [path], { cwd: root, ...limits, env });
      const results = table.get(name);
      if (results !== undefined) results[run - 1] = result;
      onResult(result, run);
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, job) => work(job)));
  return table;
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
