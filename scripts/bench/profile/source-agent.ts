import { join } from "node:path";
import type { Agent } from "../agents/agent.ts";
import { tailgate } from "../agents/tailgate.ts";

/** The repository's root. */
export const root = join(import.meta.dir, "..", "..", "..");

const profileName = "run.cpuprofile";

/** Runs a program of ours from source with JavaScript's own profiler, which writes when the process ends by itself. */
export function profiled(directory: string, entry: string): readonly string[] {
  // Half a millisecond: a rate of 100 lines/s keeps the thread busy for 3 % of the time, so samples are few.
  const profiler = ["--cpu-prof", "--cpu-prof-interval=500", `--cpu-prof-dir=${directory}`];
  return [process.execPath, ...profiler, `--cpu-prof-name=${profileName}`, join(root, entry)];
}

/** Where `profiled` leaves its profile. */
export const profilePath = (directory: string): string => join(directory, profileName);

/** The edge as the bench runs it, but from source and profiled; what is compiled has lost its names. */
export const sourceAgent: Agent = {
  ...tailgate,
  name: "Tailgate from source",
  plan(task) {
    const { command, ...plan } = tailgate.plan(task);
    return { ...plan, command: [...profiled(task.home, "edge/main.ts"), ...command.slice(1)] };
  },
};
