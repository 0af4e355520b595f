import { outputBytesMax } from "../../compression/decompress-bounded.ts";
import { AppError } from "../../errors/app-error.ts";

/** What a decompressor writes: bytes from the input, and repetitions of what it has written before. */
export class OutputBuffer {
  length = 0;
  private buffer = Buffer.allocUnsafe(64 * 1024);

  constructor(private readonly codec: string) {}

  append(source: Buffer, start: number, length: number): void {
    this.room(length);
    source.copy(this.buffer, this.length, start, start + length);
    this.length += length;
  }

  /** Copies `length` bytes from `offset` bytes back; they may overlap with what is being written. */
  repeat(offset: number, length: number): void {
    if (offset === 0 || offset > this.length) {
      throw new AppError("RECORD_BATCH_CORRUPT", `decompress ${this.codec}: an offset of ${offset} at ${this.length}`);
    }
    this.room(length);
    const { buffer } = this;
    const end = this.length + length;
    for (let at = this.length; at < end; at++) buffer[at] = buffer[at - offset] ?? 0;
    this.length = end;
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private room(length: number): void {
    const needed = this.length + length;
    if (needed <= this.buffer.length) return;
    if (needed > outputBytesMax) {
      throw new AppError("RECORD_BATCH_CORRUPT", `decompress ${this.codec}: more than ${outputBytesMax} bytes`);
    }
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
