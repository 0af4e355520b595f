import type { Ending, LineOutput, Splitter } from "./split-lines.ts";

/** Which byte of a unit comes first. */
export type ByteOrder = "little" | "big";

const byteOrderMark = 0xfeff;

/**
 * Lines of UTF-16, given as UTF-8. The splitter inside sees the text as UTF-8 and says how much of it is used; what it
 * leaves is counted back in units of two bytes. A unit, and a pair of surrogates, that is not whole yet waits; what is no
 * valid pair becomes U+FFFD. The byte order mark at a file's beginning is no part of its first line.
 */
export class Utf16Splitter implements Splitter {
  readonly unitBytes = 2;
  skipping = false;
  private atStart = false;

  constructor(
    private readonly order: ByteOrder,
    private readonly inner: Splitter,
  ) {}

  begin(offset: number): void {
    this.atStart = offset === 0;
  }

  split(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    const whole = this.wholeUnits(buffer, start, end, ending);
    const read = this.decode(buffer, start, start + whole);
    const marked = this.atStart && read.charCodeAt(0) === byteOrderMark;
    const text = marked ? read.slice(1) : read;
    const bytes = Buffer.byteLength(text);
    const scratch = Buffer.allocUnsafe(bytes + 1);
    scratch.write(text);
    this.inner.skipping = this.skipping;
    const used = this.inner.split(scratch, 0, bytes, output, ending);
    this.skipping = this.inner.skipping;
    const leftUnits = scratch.toString("utf8", used, bytes).length;
    // Half a unit will never be whole at the end of a file that is complete.
    if (ending === "final" && leftUnits === 0 && start + whole < end) {
      output.leftOut(end - start - whole);
      return end;
    }
    if (used === 0 && bytes > 0) return start;
    return start + whole - leftUnits * 2;
  }

  /** Bytes of whole units, without the first half of a pair whose second is still to come. */
  private wholeUnits(buffer: Buffer, start: number, end: number, ending: Ending): number {
    const whole = (end - start) & ~1;
    if (whole === 0 || ending === "final") return whole;
    const last = start + whole - 2;
    const unit = this.order === "little" ? buffer.readUInt16LE(last) : buffer.readUInt16BE(last);
    return unit >= 0xd800 && unit <= 0xdbff ? whole - 2 : whole;
  }

  private decode(buffer: Buffer, start: number, end: number): string {
    if (this.order === "little") return buffer.toString("utf16le", start, end);
    return Buffer.from(buffer.subarray(start, end)).swap16().toString("utf16le");
  }
}

/** What a file's first bytes say; undefined: no mark of UTF-16. */
export function byteOrderOf(head: Buffer): ByteOrder | undefined {
  // The same two bytes begin the mark of UTF-32, little-endian.
  if (head[0] === 0xff && head[1] === 0xfe && !(head[2] === 0 && head[3] === 0 && head.length >= 4)) return "little";
  return head[0] === 0xfe && head[1] === 0xff ? "big" : undefined;
}
