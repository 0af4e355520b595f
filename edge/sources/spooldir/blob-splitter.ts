import type { Ending, LineOutput, Splitter } from "../../../shared/lines/split-lines.ts";

/**
 * A whole file an event, as Flume's BlobDeserializer: one that is larger becomes several events of `blobBytesMax`. Where a piece
 * begins follows from its offset, so that a file goes on where it was after a crash. An empty file is no event.
 */
export class BlobSplitter implements Splitter {
  skipping = false;

  constructor(private readonly blobBytesMax: number) {}

  split(buffer: Buffer, start: number, end: number, output: LineOutput, ending: Ending): number {
    let at = start;
    for (; end - at >= this.blobBytesMax; at += this.blobBytesMax) output.line(buffer, at, at + this.blobBytesMax);
    if (ending !== "final" || at === end) return at;
    output.line(buffer, at, end);
    return end;
  }
}
