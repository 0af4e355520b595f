import type { LineOutput } from "../../../shared/lines/split-lines.ts";
import { LineFrames } from "../line-frames.ts";

/** How messages follow each other on a connection (RFC 6587). */
export type Framing = "auto" | "octets" | "newline";

/** What counts as a message. */
export interface SyslogFramesOptions {
  readonly framing: Framing;
  readonly lineBytesMax: number;
}

const countDigitsMax = 8;
const space = 32;
const open = 60;
const lineFeed = 10;

/**
 * Finds the messages in what a connection received: `17 <13>…` with its length before it, or a line. With `auto` each message
 * is looked at for itself: one that begins with a number, a space and `<` says its length.
 */
export class SyslogFrames {
  private readonly lines: LineFrames;
  /** Bytes of a message that was too long which are still to be left out. */
  private skipping = 0;
  /** The message before was given from the middle of a line. */
  private inLine = false;

  constructor(private readonly options: SyslogFramesOptions) {
    const { lineBytesMax } = options;
    this.lines = new LineFrames({ lineBytesMax, stripCarriageReturn: true, skipEmptyLines: true });
  }

  /**
   * Gives whole messages to `output` and returns how many bytes were used; undefined: this is not syslog with lengths before
   * its messages. `final`: nothing follows, and what is left is a message that was cut off.
   */
  split(bytes: Buffer, output: LineOutput, final: boolean): number | undefined {
    let at = 0;
    while (at < bytes.length) {
      const used = this.next(bytes.subarray(at), output, final);
      if (used === undefined) return undefined;
      if (used === 0) return at;
      at += used;
    }
    return at;
  }

  private next(bytes: Buffer, output: LineOutput, final: boolean): number | undefined {
    if (this.skipping > 0) {
      const left = Math.min(this.skipping, bytes.length);
      output.leftOut(left);
      this.skipping -= left;
      return left;
    }
    if (this.options.framing === "newline" || this.inLine) return this.line(bytes, output, final);
    // Some senders end messages with a line feed although they say lengths.
    if (bytes[0] === lineFeed) return 1;
    const count = countOf(bytes);
    if (count === "more") return final ? this.line(bytes, output, final) : 0;
    if (count !== undefined) return this.counted(bytes, count, output, final);
    return this.options.framing === "octets" ? undefined : this.line(bytes, output, final);
  }

  /** One line at most, since the next message may say its length. */
  private line(bytes: Buffer, output: LineOutput, final: boolean): number {
    const end = this.options.framing === "newline" ? -1 : bytes.indexOf(lineFeed);
    const used = this.lines.split(end < 0 ? bytes : bytes.subarray(0, end + 1), output, final);
    this.inLine = end < 0 && used > 0 && !final;
    return used;
  }

  private counted(bytes: Buffer, [digits, length]: Count, output: LineOutput, final: boolean): number {
    const { lineBytesMax } = this.options;
    const start = digits + 1;
    const end = start + length;
    const here = Math.min(bytes.length, end);
    if (length > lineBytesMax && here - start >= lineBytesMax) {
      output.cutLine(bytes, start, start + lineBytesMax);
      output.leftOut(here - start - lineBytesMax);
      this.skipping = end - here;
      return here;
    }
    if (here === end) {
      output.line(bytes, start, end);
      return end;
    }
    if (!final) return 0;
    output.cutLine(bytes, start, here);
    return here;
  }
}

/** How many digits, and what they say. */
type Count = readonly [number, number];

/** `more`: it could still become one. */
function countOf(bytes: Buffer): Count | "more" | undefined {
  let length = 0;
  for (let at = 0; at <= countDigitsMax; at++) {
    const code = bytes[at];
    if (code === undefined) return "more";
    if (at > 0 && code === space) {
      if (bytes.length === at + 1) return "more";
      return bytes[at + 1] === open ? [at, length] : undefined;
    }
    if (code < 48 || code > 57 || (at === 0 && code === 48)) return undefined;
    length = length * 10 + code - 48;
  }
  return undefined;
}
