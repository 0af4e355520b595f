import type { Progress, Worlds } from "./manifest.ts";
import type { Scenario } from "./scenario.ts";

/** What the simulator is told. Only `out` is needed: the rest is the pilot. */
export interface SimulatorOptions {
  /** Folder for everything: `log/driving.log*`, `spool/status-*.ndjson`, `simulator/` (its own journal). */
  readonly out: string;
  readonly seed?: number;
  /** 100 when not given. */
  readonly cars?: number;
  /** Driving lines of one car per second of event time; 1 when not given. */
  readonly rate?: number;
  /** How much faster than event time the lines are written; 1 when not given. */
  readonly speed?: number;
  /** Ends when the driving log has this many lines, earlier runs included; never when not given, none when 0. */
  readonly lines?: number;
  /** Writes as fast as it can instead of by the clock. */
  readonly fast?: boolean;
  readonly rotate?: "rename" | "copytruncate";
  /** Lines of one driving log file; 20,000 when not given (about 10 MB). */
  readonly rotateLines?: number;
  /** Rotated files that are kept; 5 when not given. */
  readonly keep?: number;
  /** Share of garbage lines between the others, in both streams; 0 when not given. */
  readonly garbage?: number;
  /** Driving lines are filled up to this many bytes (at most 4,000). */
  readonly lineBytes?: number;
  /** Status reports of one car in one daily file; 1,200 when not given: an hour of driving, 100 MB for 100 cars. */
  readonly reportsPerDay?: number;
  /** How often a status file appears; a day divided by `speed` when not given. */
  readonly statusEveryMs?: number;
  /** This run writes so many status files; one after the other without end when not given, none when 0. */
  readonly statusFiles?: number;
  /** When the story begins, milliseconds since 1970; now when not given. */
  readonly startMs?: number;
  readonly onProgress?: (progress: Readonly<Progress>) => void;
}

type Optional = "startMs" | "onProgress";

/** The options with their defaults. */
export type SimulatorSettings = Required<Omit<SimulatorOptions, Optional>> & Pick<SimulatorOptions, Optional>;

/** Fills in the pilot. */
export function withDefaults(options: SimulatorOptions): SimulatorSettings {
  const { speed = 1 } = options;
  return {
    seed: 1,
    cars: 100,
    rate: 1,
    speed,
    lines: Number.POSITIVE_INFINITY,
    fast: false,
    rotate: "rename",
    rotateLines: 20_000,
    keep: 5,
    garbage: 0,
    lineBytes: 0,
    reportsPerDay: 1_200,
    statusEveryMs: 86_400_000 / speed,
    statusFiles: Number.POSITIVE_INFINITY,
    ...options,
  };
}

/** What the lines depend on, without the segments that a run begins. */
export function worldsOf(settings: SimulatorSettings): Worlds {
  const { seed, cars, garbage, reportsPerDay } = settings;
  const common = { seed, cars, garbage, reportsPerDay, segments: [] };
  const driving: Scenario = {
    ...common,
    stream: "driving",
    intervalMs: 1000 / settings.rate,
    lineBytesMin: settings.lineBytes,
  };
  const status: Scenario = { ...common, stream: "status", intervalMs: 3000, lineBytesMin: 0 };
  return { driving, status };
}
