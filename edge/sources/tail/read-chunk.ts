import { readSync } from "node:fs";
import type { Ending, LineOutput, Splitter } from "../../../shared/lines/split-lines.ts";
import { lengthOfText, lookAhead } from "./blank.ts";
import { tailBytesMax } from "./fingerprint.ts";
import type { FollowedFile } from "./followed-file.ts";

/** What reading a chunk came to. */
export type ChunkResult =
  /** The file may hold more. */
  | "more"
  /** All whole events were appended; the file's end was reached. */
  | "end"
  /** It is barely known, and grew: what it holds has to be met by a scan first (see DESIGN.md). Nothing was appended. */
  | "unmet"
  /** The file is not what it was: truncated, or truncated and written anew. Nothing was appended. */
  | "changed";

/**
 * Reads files chunk by chunk into one buffer. Every read begins with the bytes before the offset: when they are not
 * what was read last time the file was truncated in between, and this is noticed in the same read that would otherwise
 * give wrong lines.
 */
export class ChunkReader {
  /** One byte more than is ever read, for the splitter's sentinel. */
  private readonly buffer: Buffer;
  /** Bytes behind the offset that were there when the file was looked at and are gone now: its end was cut off. */
  missing = 0;

  constructor(
    /** By what a file's bytes are divided: one for all of them, or by what a file begins with. */
    private readonly splitterOf: (file: FollowedFile) => Splitter,
    private readonly chunkBytes: number,
  ) {
    this.buffer = Buffer.allocUnsafeSlow(tailBytesMax + chunkBytes + 1);
  }

  /** Appends the next whole events of an open file. Its offset has moved behind them on return. */
  read(file: FollowedFile, output: LineOutput, ending: Ending): ChunkResult {
    if (file.fd === undefined || !file.headIntact()) return "changed";
    const { buffer } = this;
    const splitter = this.splitterOf(file);
    const unit = splitter.unitBytes ?? 1;
    const tail = file.tail;
    const wanted = tail.length + this.chunkBytes;
    const read = readSync(file.fd, buffer, 0, wanted, file.offset - tail.length);
    if (read < tail.length || buffer.compare(tail, 0, tail.length, 0, tail.length) !== 0) return "changed";
    const text = this.textIn(file, tail.length, read, unit);
    // A unit may end with a zero, which the head does not count.
    if (file.isBarelyKnown && text - tail.length >= file.headLength + unit) return "unmet";
    const isLast = read < wanted || (text < read && file.blank > 0);
    splitter.skipping = file.skipping;
    splitter.begin?.(file.offset, file.given);
    const end = splitter.split(buffer, tail.length, text, output, isLast ? ending : "keep");
    file.skipping = splitter.skipping;
    file.given = splitter.given ?? 0;
    if (end > tail.length) file.advance(end - tail.length, buffer, end);
    file.atEnd = isLast;
    const seen = file.offset + text - end;
    this.missing = file.atEnd ? Math.max(0, file.provenSize - seen - file.blank) : 0;
    file.provenSize = file.atEnd ? seen : Math.max(file.provenSize, seen);
    file.size = Math.max(file.size, seen);
    return file.atEnd ? "end" : "more";
  }

  /** Where the text of this chunk ends: before zeros that reach to the end of the file. */
  private textIn(file: FollowedFile, start: number, read: number, unit: number): number {
    file.blank = 0;
    const bytes = lengthOfText(this.buffer, start, read);
    // A zero may be the second half of a unit.
    const text = Math.min(read, bytes + ((file.offset + bytes - start) % unit));
    const zerosAt = file.offset + text - start;
    const chunkEnd = file.offset + read - start;
    if (text === read || file.fd === undefined || chunkEnd <= file.holeTo) return read;
    if (read < start + this.chunkBytes) {
      file.blank = chunkEnd - zerosAt;
      return text;
    }
    // What was found to be zeros before is not read again: a writer fills its room from the front.
    const ahead = lookAhead(file.fd, Math.max(chunkEnd, file.blankTo));
    if (ahead.kind === "text") {
      file.holeTo = ahead.at;
      return read;
    }
    file.blankTo = ahead.to;
    if (ahead.kind === "blank") file.blank = ahead.to - zerosAt;
    return text;
  }
}
