import type { Bench } from "../bench.ts";
import type { SelfTime } from "./cpu-profile.ts";
import type { Watch } from "./perf.ts";

/** One run of a case. */
export interface Run {
  readonly lines: number;
  readonly seconds: number;
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** Transactions meanwhile; undefined where they are not counted. */
  readonly commits: number | undefined;
}

/** One thing that is profiled. */
export interface ProfileCase {
  /** As the command line takes it, and as the page's markers name it. */
  readonly name: string;
  readonly title: string;
  /** What was done, in a sentence. */
  readonly method: string;
  /** The folder whose `PROFILES.md` it goes into. */
  readonly page: "edge" | "central";
  /** From source, under JavaScript's own profiler. */
  runFromSource(bench: Bench): Promise<Run & { readonly times: readonly SelfTime[] }>;
  /** As users run it, watched from outside. */
  runAsShipped<Found>(bench: Bench, watch: Watch<Found>): Promise<Run & { readonly found: Found }>;
}
