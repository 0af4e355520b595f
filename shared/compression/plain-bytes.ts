/**
 * The plain bytes of a compressed file, piece by piece: memory is bounded by the decoder's window and a few pieces, whatever the
 * file claims to hold. Several members (gzip) or frames (zstd), one after the other, are one content, as for gunzip and zstd.
 */
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { messageOf } from "../errors/app-error.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** How a file may be compressed. */
export type FileCodec = "gzip" | "zstd";

/** What a compressed file holds cannot be read from here on. */
export class DamagedContent extends Error {}

/** Reads bytes of the compressed file at a position into the buffer, as `readSync` does; 0 at its end. */
export type ReadAt = (buffer: Buffer, position: number) => number;

/** So much of the compressed file is read at once. */
const inputBytes = 64 * 1024;
/** How many bytes tell what a file is. */
export const codecHeadBytes = 4;

/** What these first bytes of a file say; undefined: it is not compressed. */
export function codecOf(head: Buffer): FileCodec | undefined {
  if (head.length < codecHeadBytes) return undefined;
  // Gzip's third byte is its only method.
  if (head[0] === 0x1f && head[1] === 0x8b && head[2] === 8) return "gzip";
  return head.readUInt32LE() === 0xfd2fb528 ? "zstd" : undefined;
}

/** See above. One pass, from the beginning. */
export class PlainBytes {
  private closed = false;
  private readonly decoder: ReturnType<typeof createGunzip>;
  private readonly pieces: AsyncIterator<unknown>;

  constructor(
    private readonly codec: FileCodec,
    private readonly readAt: ReadAt,
  ) {
    this.decoder = codec === "gzip" ? createGunzip() : createZstdDecompress();
    // What goes wrong comes out of the iterator.
    pipeline(Readable.from(this.input(), { highWaterMark: 1 }), this.decoder, () => {});
    this.pieces = this.decoder[Symbol.asyncIterator]();
  }

  /**
   * The next piece; undefined at the end.
   *
   * @throws DamagedContent when the rest cannot be read; the system's error when the file cannot.
   */
  async next(): Promise<Buffer | undefined> {
    try {
      const { done, value } = await this.pieces.next();
      return done !== true && Buffer.isBuffer(value) ? value : undefined;
    } catch (thrown) {
      if (thrown instanceof DamagedContent || !isDecoders(thrown)) throw thrown;
      throw new DamagedContent(`its ${this.codec} data are cut off or damaged (${messageOf(thrown)})`);
    }
  }

  /** Reads no more: the file may be closed. */
  close(): void {
    this.closed = true;
    this.decoder.destroy();
  }

  private async *input(): AsyncGenerator<Buffer> {
    const frames = this.codec === "zstd" ? new ZstdFrames() : undefined;
    for (let position = 0; !this.closed; ) {
      const buffer = Buffer.allocUnsafe(inputBytes);
      const bytes = this.readAt(buffer, position);
      if (bytes === 0) break;
      position += bytes;
      const chunk = buffer.subarray(0, bytes);
      if (frames?.push(chunk) === false) throw new DamagedContent("something else than zstd stands in it");
      yield chunk;
    }
    if (frames?.isComplete === false) throw new DamagedContent("its zstd data are cut off");
  }
}

/** Of the decoder, and not of the file system. */
function isDecoders(thrown: unknown): boolean {
  return !(thrown instanceof Error && "syscall" in thrown);
}
