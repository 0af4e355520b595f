import type { Clock } from "../../shared/clock/clock.ts";
import type { Random } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { FileReaders } from "./file-readers.ts";
import type { Sink } from "./sink.ts";

/** The only way a component reaches the outside. */
export interface Context {
  /** The component's name in the config. */
  readonly name: string;
  /** The agent's name. */
  readonly agent: string;
  /** The agent's own writable folder. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  readonly metrics: Metrics;
}

/** What a source is given beside that. */
export interface SourceContext extends Context {
  /** Where it says which files it reads, and learns who else reads them. */
  readonly fileReaders: FileReaders;
  /** Paths of the agent's own files that are never read as logs: its config, and the secrets and modules that names. */
  ownFiles(): readonly string[];
}

/** What a sink is given beside that. */
export interface SinkContext extends Context {
  /** The destination divides a group into this many parts: where the layout divides, new lanes begin when it changed. */
  partsKnown(group: string, parts: number): void;
  /** Somebody else uses our identity (a fenced session): new events get a new epoch from now on. */
  renewEpoch(reason: string): void;
  /** The sinks that this one is made of, in the order of its config; none for a sink that is no group. */
  readonly members: readonly Member[];
}

/** A sink of a group, with its name in the config. Its group starts and stops it. */
export interface Member {
  readonly name: string;
  readonly sink: Sink;
}
