import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";
import { sleep } from "../../../shared/async/sleep.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { driveLine } from "./lines.ts";

/** What to write, and how fast. */
export interface Pace {
  readonly path: string;
  readonly lines: number;
  readonly linesPerSecond: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Makes line `n` (from 0) as of a time; `driveLine` when not given. */
  readonly line?: (n: number, timeMs: number) => string;
}

/**
 * Writes numbered lines as a device does: one `write` a line, at its moment, with the moment in the line. When the
 * machine was late, the lines that are due are written at once and carry the time at which they were written.
 * Above 1,000 lines a second the lines of one millisecond go into one `write`.
 */
export async function writePaced(pace: Pace): Promise<void> {
  const { path, lines, linesPerSecond, signal, clock, line = driveLine } = pace;
  const file = openSync(path, "a");
  const start = performance.now();
  try {
    let n = 0;
    while (n < lines && !signal.aborted) {
      const due = Math.min(lines, Math.floor(((performance.now() - start) * linesPerSecond) / 1000) + 1);
      if (linesPerSecond <= 1000) {
        for (; n < due; n++) writeSync(file, line(n, clock.now()));
      } else {
        let text = "";
        for (; n < due; n++) text += line(n, clock.now());
        if (text !== "") writeSync(file, text);
      }
      const nextAt = start + (n * 1000) / linesPerSecond;
      await sleep(Math.max(1, nextAt - performance.now()), signal);
    }
  } finally {
    closeSync(file);
  }
}

/** Appends lines at once. */
export function writeAtOnce(path: string, lines: readonly string[]): void {
  appendFileSync(path, lines.join(""));
}
