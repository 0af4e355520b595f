/**
 * Finds the lines in a buffer, without an object, a closure or a copy per line.
 *
 * A line is everything before a line feed; NUL bytes and invalid UTF-8 are bytes like others. The trailing half line
 * stays where it is (the caller reads it again with what follows) unless it is asked for. A line longer than
 * `lineBytesMax` is cut: its beginning is given once, the rest up to its line feed is skipped, however long it is.
 */

/** Takes what was found; the range is valid during the call. */
export interface LineOutput {
  /** A whole line, without its line end. */
  line(buffer: Buffer, start: number, end: number): void;
  /** The beginning of a line that was longer than allowed. */
  cutLine(buffer: Buffer, start: number, end: number): void;
  /** This many more bytes of a cut line were left out. */
  leftOut(bytes: number): void;
}

/** What to make of the bytes after the last whole event. */
export type Ending =
  /** Nothing: more may follow. */
  | "keep"
  /** An event of whole lines that only waited for company is complete; a half line still waits. */
  | "flush"
  /** Nothing more follows: a half line is a line. */
  | "final";

/** Splits a range of bytes into events. */
export interface Splitter {
  /** The range begins inside a line that was cut: it is left out up to its line feed. Set before, read after a split. */
  skipping: boolean;
  /** Events that end behind the first unused byte and were given all the same (container-lines.ts). Set by `begin`, read after a split. */
  readonly given?: number;
  /** Size of the smallest unit that has a meaning; unset: a byte. */
  readonly unitBytes?: number;
  /** Told before each split where in its file the range begins, and what `given` was after the one before. */
  begin?(offset: number, given: number): void;
  /**
   * Gives the events in `buffer[start..end)` to `output` and returns where the first byte stands that was not used.
   * `buffer[end]` must exist: it is borrowed for a sentinel.
   */
  split(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number;
}

/** What counts as a line, and how long one may be (bytes, without its end). */
export interface LineSplitterOptions {
  readonly lineBytesMax: number;
  /** Take `\r\n` as a line end; otherwise the `\r` belongs to the line. */
  readonly stripCarriageReturn: boolean;
  readonly skipEmptyLines: boolean;
}

const lineFeed = 10;
const carriageReturn = 13;

/** One event a line. */
export class LineSplitter implements Splitter {
  skipping = false;

  constructor(private readonly options: LineSplitterOptions) {}

  split(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    const { lineBytesMax, stripCarriageReturn, skipEmptyLines } = this.options;
    // With a line feed after the range the search never runs on into old bytes.
    const borrowed = buffer[end] ?? 0;
    buffer[end] = lineFeed;
    let at = this.skipping ? this.skip(buffer, start, end, output, ending) : start;
    while (at < end) {
      const found = buffer.indexOf(lineFeed, at);
      if (found === end && ending !== "final") break;
      let stop = found;
      if (stripCarriageReturn && stop > at && buffer[stop - 1] === carriageReturn) stop--;
      if (stop - at > lineBytesMax) {
        output.cutLine(buffer, at, at + lineBytesMax);
        output.leftOut(found - at - lineBytesMax);
      } else if (stop > at || !skipEmptyLines) {
        output.line(buffer, at, stop);
      }
      at = found === end ? end : found + 1;
    }
    // A half line that is already too long (a `\r` that may end it set aside) is not waited for.
    if (end - at > lineBytesMax + 1) {
      output.cutLine(buffer, at, at + lineBytesMax);
      this.skipping = true;
      at = this.skip(buffer, at + lineBytesMax, end, output, ending);
    }
    buffer[end] = borrowed;
    return at;
  }

  private skip(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    const found = buffer.indexOf(lineFeed, start);
    output.leftOut(found - start);
    if (found === end) {
      if (ending === "final") this.skipping = false;
      return end;
    }
    this.skipping = false;
    return found + 1;
  }
}
