/**
 * Runs what takes long side by side. What mostly waits shares the machine with others; what measures or loads it (`alone`)
 * has it for itself, and comes after the rest. Each of those that run at the same time takes ports from its own share.
 */
import { portShareVariable } from "../../shared/testing/free-port.ts";
import type { StepResult } from "./step.ts";

/** Something to run, and whether it can bear company. */
export interface Turn {
  readonly name: string;
  /** What it is counted with: "integration", "e2e", "offline replay". */
  readonly kind: string;
  readonly alone: boolean;
  /** `env` belongs into the environment of whatever it starts. */
  readonly run: (env: Readonly<Record<string, string>>) => Promise<StepResult>;
}

/** How turns are taken, and who hears of it. */
export interface SideBySideOptions {
  /** How many at the same time. */
  readonly jobs: number;
  readonly onResult: (result: StepResult, turn: Turn) => void;
  /** Called when something begins or ends: what runs now, how many have ended, of how many. */
  readonly onProgress?: (running: readonly string[], ended: number, all: number) => void;
}

/** What one kind of turns took. */
export interface KindTime {
  readonly kind: string;
  readonly files: number;
  /** Of all its turns together; side by side they took less. */
  readonly seconds: number;
}

/** Runs all turns; one that throws is a failure of its own, and the rest is still run. */
export async function sideBySide(turns: readonly Turn[], options: SideBySideOptions): Promise<KindTime[]> {
  const { jobs, onResult, onProgress } = options;
  const kinds = new Map<string, { files: number; seconds: number }>();
  const running = new Set<string>();
  let ended = 0;
  const told = () => onProgress?.([...running], ended, turns.length);
  const take = async (due: Turn[], job: number) => {
    const env = { [portShareVariable]: `${job}/${jobs}` };
    for (let turn = due.shift(); turn !== undefined; turn = due.shift()) {
      running.add(turn.name);
      told();
      const result = await guarded(turn, env);
      running.delete(turn.name);
      ended++;
      const kind = kinds.get(turn.kind) ?? { files: 0, seconds: 0 };
      kinds.set(turn.kind, { files: kind.files + 1, seconds: kind.seconds + result.seconds });
      onResult(result, turn);
    }
  };
  const shared = turns.filter(({ alone }) => !alone);
  await Promise.all(Array.from({ length: jobs }, (_, job) => take(shared, job)));
  await take(
    turns.filter(({ alone }) => alone),
    0,
  );
  return [...kinds].map(([kind, took]) => ({ kind, ...took }));
}

async function guarded(turn: Turn, env: Readonly<Record<string, string>>): Promise<StepResult> {
  const startMs = performance.now();
  try {
    return await turn.run(env);
  } catch (thrown) {
    const seconds = (performance.now() - startMs) / 1000;
    return { name: turn.name, passed: 0, failed: 1, seconds, output: String(thrown) };
  }
}

/** The table for people, a line a kind. */
export function renderKindTimes(times: readonly KindTime[]): string {
  return times
    .map(
      ({ kind, files, seconds }) =>
        `${kind.padEnd(16)} ${String(files).padStart(3)} files ${seconds.toFixed(0).padStart(5)} s`,
    )
    .join("\n");
}
