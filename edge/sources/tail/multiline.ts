/**
 * Joins lines into one event: a stack trace, say. An event is a range of the file like any line, so nothing is copied
 * or held: while an event may still grow it is simply not used, and read again with what follows.
 *
 * An event ends where the next one starts; when nothing followed for a while (`flush`); or before the line that would
 * make it longer than `lineBytesMax` (the lines behind it then make an event of their own, counted as `split`).
 */
import {
  type Ending,
  type LineOutput,
  LineSplitter,
  type LineSplitterOptions,
  type Splitter,
} from "../../../shared/lines/split-lines.ts";
import { decodeText } from "../../../shared/system/short-texts.ts";
import type { Config } from "./config.ts";

/** How to tell where an event starts. */
export interface MultilineOptions extends LineSplitterOptions {
  /** True when a line with this text starts a new event. */
  readonly startsEvent: (text: string) => boolean;
}

/** Patterns see this much of a line. */
const patternBytesMax = 1024;
const lineFeed = 10;
const carriageReturn = 13;

/** One event for a first line and the lines that belong to it. */
export class MultilineSplitter implements Splitter {
  skipping = false;

  constructor(private readonly options: MultilineOptions) {}

  split(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    const { lineBytesMax } = this.options;
    const borrowed = buffer[end] ?? 0;
    buffer[end] = lineFeed;
    let at = this.skipping ? this.skip(buffer, start, end, output, ending) : start;
    // The open event is buffer[event..at), `at` a line start; it holds at least one line when they differ.
    let event = at;
    while (at < end) {
      const found = buffer.indexOf(lineFeed, at);
      const half = found === end;
      if (at > event && found - event > lineBytesMax && (!half || found - at > 0)) {
        // Full: whatever the next line is, it does not fit.
        this.give(buffer, event, at, output);
        event = at;
      }
      if (found - at > lineBytesMax + 1) {
        output.cutLine(buffer, at, at + lineBytesMax);
        this.skipping = true;
        at = this.skip(buffer, at + lineBytesMax, end, output, ending);
        event = at;
        continue;
      }
      if (half && ending !== "final") break;
      if (at > event && this.startsAt(buffer, at, found)) {
        this.give(buffer, event, at, output);
        event = at;
      }
      at = half ? end : found + 1;
    }
    if (at > event && ending !== "keep") {
      this.give(buffer, event, at, output);
      event = at;
    }
    buffer[end] = borrowed;
    return event;
  }

  private startsAt(buffer: Buffer, start: number, end: number): boolean {
    return this.options.startsEvent(decodeText(buffer, start, Math.min(end, start + patternBytesMax)));
  }

  /** `end` stands behind the line end of the last line, or at the end of a half line. */
  private give(buffer: Buffer, start: number, end: number, output: LineOutput): void {
    const { lineBytesMax, stripCarriageReturn, skipEmptyLines } = this.options;
    let stop = end;
    if (stop > start && buffer[stop - 1] === lineFeed) stop--;
    if (stripCarriageReturn && stop > start && buffer[stop - 1] === carriageReturn) stop--;
    if (stop - start > lineBytesMax) {
      output.cutLine(buffer, start, start + lineBytesMax);
      output.leftOut(stop - start - lineBytesMax);
    } else if (stop > start || !skipEmptyLines) {
      output.line(buffer, start, stop);
    }
  }

  private skip(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    const found = buffer.indexOf(lineFeed, start);
    output.leftOut(found - start);
    this.skipping = found === end && ending !== "final";
    return found === end ? end : found + 1;
  }
}

/** What cuts a chunk into events: at each line end, or where a pattern says that an event begins. */
export function splitterFor(config: Config): LineSplitter | MultilineSplitter {
  const { multiline } = config;
  if (multiline === undefined) return new LineSplitter(config);
  const { start, continuation } = multiline;
  const startsEvent =
    start !== undefined ? (text: string) => start.test(text) : (text: string) => continuation?.test(text) !== true;
  return new MultilineSplitter({ ...config, startsEvent });
}
