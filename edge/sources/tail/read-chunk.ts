import { readSync } from "node:fs";
import type { Ending, LineOutput, Splitter } from "../../../shared/lines/split-lines.ts";
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
    private readonly splitter: Splitter,
    private readonly chunkBytes: number,
  ) {
    this.buffer = Buffer.allocUnsafeSlow(tailBytesMax + chunkBytes + 1);
  }

  /** Appends the next whole events of an open file. Its offset has moved behind them on return. */
  read(file: FollowedFile, output: LineOutput, ending: Ending): ChunkResult {
    if (file.fd === undefined || !file.headIntact()) return "changed";
    const { buffer, splitter } = this;
    const tail = file.tail;
    const wanted = tail.length + this.chunkBytes;
    const read = readSync(file.fd, buffer, 0, wanted, file.offset - tail.length);
    if (read < tail.length || buffer.compare(tail, 0, tail.length, 0, tail.length) !== 0) return "changed";
    if (file.isBarelyKnown && read > file.headLength) return "unmet";
    splitter.skipping = file.skipping;
    const end = splitter.split(buffer, tail.length, read, output, read < wanted ? ending : "keep");
    file.skipping = splitter.skipping;
    if (end > tail.length) file.advance(end - tail.length, buffer, end);
    file.atEnd = read < wanted;
    const seen = file.offset + read - end;
    this.missing = file.atEnd ? Math.max(0, file.provenSize - seen) : 0;
    file.provenSize = file.atEnd ? seen : Math.max(file.provenSize, seen);
    file.size = Math.max(file.size, seen);
    return file.atEnd ? "end" : "more";
  }
}
