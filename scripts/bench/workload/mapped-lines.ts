import { statSync } from "node:fs";
import { LINE_BYTES, PAYLOAD_BYTES } from "./lines.ts";

/** What was written: whole lines of `LINE_BYTES`, by their number from 0. */
export interface InputLines {
  readonly count: number;
  /** Line `n` without its newline; a view, not a copy. */
  line(n: number): Uint8Array;
}

/** Where both a line and a page of memory begin: 20,480 lines of 200 B are 1,000 pages. */
export const partLinesMin = 20_480;

/**
 * A file of lines, mapped in parts: JavaScript has no array of more than 4 GB.
 *
 * @param partLines lines of a part, a multiple of `partLinesMin`; about 1 GB when not given.
 */
export function mapLines(path: string, partLines = 250 * partLinesMin): InputLines {
  const { size } = statSync(path);
  const partBytes = partLines * LINE_BYTES;
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < size; offset += partBytes) parts.push(Bun.mmap(path, { offset, size: partBytes }));
  return linesIn(parts, partLines);
}

/** The same of what is in memory already; each part but the last holds `partLines` lines. */
export function linesIn(parts: readonly Uint8Array[], partLines = Number.MAX_SAFE_INTEGER): InputLines {
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  return {
    count: Math.floor(bytes / LINE_BYTES),
    line(n) {
      const at = (n % partLines) * LINE_BYTES;
      return parts[Math.floor(n / partLines)]?.subarray(at, at + PAYLOAD_BYTES) ?? empty;
    },
  };
}

const empty = new Uint8Array(0);
