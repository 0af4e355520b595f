import type { Clock } from "../clock/clock.ts";
import { visible } from "./visible.ts";

/** What a component can say is a list of values, declared beside it: log line and name cannot drift apart. */
export interface Signal {
  /** Stable and searchable: `sink_connected`. */
  readonly name: string;
  readonly level: Level;
  /** One sentence for a person. */
  readonly message: string;
  /** For what may happen often: at most one line in this time; the lines left out are counted in the next one. */
  readonly atMostEveryMs?: number;
  /** For what is counted too, each time it is reported; see `countingReport`. */
  readonly counts?: SignalCount;
}

/**
 * What is counted with a signal: a metric of the process, a counter in the books of the stream or lane (kept in the
 * transaction of the rows), or both. `by` names the field that says how many; without it, one.
 */
export type SignalCount = SignalMetric | { readonly book: string; readonly by?: string };

/** `labels`: of this signal alone, beside those of its component. */
export interface SignalMetric {
  readonly metric: string;
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly book?: string;
  readonly by?: string;
}

/** How bad it is, from what only a developer asks for to what somebody must look at. */
export type Level = "debug" | "info" | "warn" | "error";

/** What belongs to one report: short values, never a whole record. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Says that something happened. Given to every component; the only way it writes to the log. */
export type Report = (signal: Signal, fields?: Fields) => void;

/** Declares a signal; a function so that the type is checked where it is declared. */
export function defineSignal<const Defined extends Signal>(signal: Defined): Defined {
  return signal;
}

/** What is written, how, and where to. */
export interface LogOptions {
  readonly level: Level;
  readonly format: "text" | "json";
  readonly clock: Clock;
  /** Where a finished line goes (without its line end). */
  readonly write: (line: string) => void;
}

const ranks: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The process's own log: text for people, JSON for machines, rate-limited where the signal says so. */
export function createLog(options: LogOptions): Report {
  const quiet = new Map<string, { lastMs: number; leftOut: number }>();
  return (signal, fields = {}) => {
    if (ranks[signal.level] < ranks[options.level]) return;
    let leftOut = 0;
    if (signal.atMostEveryMs !== undefined) {
      const key = `${signal.name}\u0000${String(fields.component ?? "")}`;
      const seen = quiet.get(key);
      const nowMs = options.clock.uptimeMs();
      if (seen !== undefined && nowMs - seen.lastMs < signal.atMostEveryMs) {
        seen.leftOut++;
        return;
      }
      leftOut = seen?.leftOut ?? 0;
      quiet.set(key, { lastMs: nowMs, leftOut: 0 });
    }
    const time = new Date(options.clock.now()).toISOString();
    const all: Fields = leftOut > 0 ? { ...fields, leftOut } : fields;
    const line =
      options.format === "json"
        ? JSON.stringify({ time, level: signal.level, signal: signal.name, message: signal.message, ...all })
        : `${time} ${signal.level.toUpperCase().padEnd(5)} ${signal.message}${textFields(all)} [${signal.name}]`;
    // Names and messages come from files, brokers, other users.
    options.write(visible(line));
  };
}

function textFields(fields: Fields): string {
  let text = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    text += ` ${name}=${typeof value === "string" && /[\s"=]/.test(value) ? JSON.stringify(value) : value}`;
  }
  return text;
}

/** Says nothing: for tests that do not look at the log. */
export const silent: Report = () => {};
