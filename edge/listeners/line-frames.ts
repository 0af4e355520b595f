import type { LineOutput } from "../../shared/lines/split-lines.ts";

/** What counts as a line of a connection. */
export interface LineFramesOptions {
  readonly lineBytesMax: number;
  /** Take `\r\n` as a line end; otherwise the `\r` belongs to the line. */
  readonly stripCarriageReturn: boolean;
  readonly skipEmptyLines: boolean;
}

const lineFeed = 10;
const carriageReturn = 13;

/**
 * Finds the lines in what a connection received. A line longer than `lineBytesMax` is given once, cut, as soon as it is
 * too long; the rest up to its line feed is left out, however much that is.
 */
export class LineFrames {
  private skipping = false;

  constructor(private readonly options: LineFramesOptions) {}

  /** Gives whole lines to `output` and returns how many bytes were used. `final`: what stands behind the last line feed is a line. */
  split(bytes: Buffer, output: LineOutput, final: boolean): number {
    const { lineBytesMax } = this.options;
    let at = 0;
    while (at < bytes.length) {
      const found = bytes.indexOf(lineFeed, at);
      const end = found < 0 ? bytes.length : found;
      if (this.skipping) output.leftOut(end - at);
      else if (found >= 0 || final) this.give(bytes, at, end, output);
      else if (end - at > lineBytesMax + 1) this.cut(bytes, at, end, output);
      else return at;
      this.skipping = found < 0 && !final;
      at = found < 0 ? end : end + 1;
    }
    return at;
  }

  private give(bytes: Buffer, start: number, end: number, output: LineOutput): void {
    const { lineBytesMax, stripCarriageReturn, skipEmptyLines } = this.options;
    const stop = stripCarriageReturn && end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
    if (stop - start > lineBytesMax) this.cut(bytes, start, stop, output);
    else if (stop > start || !skipEmptyLines) output.line(bytes, start, stop);
  }

  private cut(bytes: Buffer, start: number, end: number, output: LineOutput): void {
    const kept = start + this.options.lineBytesMax;
    output.cutLine(bytes, start, kept);
    output.leftOut(end - kept);
  }
}
