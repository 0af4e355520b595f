/**
 * The plain bytes of a compressed file, piece by piece: memory is bounded by the decoder's window and a few pieces, whatever the
 * file claims to hold. Several members (gzip) or frames (zstd), one after the other, are one content, as for gunzip and zstd.
 */
import { createGunzip, createZstdDecompress } from "node:zlib";
import { messageOf } from "../errors/app-error.ts";
import { Decoder } from "./decoder.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** How a file may be compressed. */
export type FileCodec = "gzip" | "zstd";

/** What a compressed file holds cannot be read from here on. */
export class DamagedContent extends Error {
  constructor(
    message: string,
    /** Something else stands behind members or frames that are whole: what they hold ends where they end. */
    readonly isBehindWhole = false,
  ) {
    super(message);
  }
}

/** Reads bytes of the compressed file at a position into the buffer, as `readSync` does; 0 at its end. */
export type ReadAt = (buffer: Buffer, position: number) => number;

/** So much of the compressed file is given to the decoder at once: in the first pass, and in those that look for the byte of a damage. */
const stepBytes = [64 * 1024, 256, 1] as const;
/** What zlib says of a header that is none. */
const headerWords = /header|compression method/;
/** How many bytes tell what a file is. */
export const codecHeadBytes = 4;

/** What these first bytes of a file say; undefined: it is not compressed. */
export function codecOf(head: Buffer): FileCodec | undefined {
  if (head.length < codecHeadBytes) return undefined;
  // Gzip's third byte is its only method.
  if (head[0] === 0x1f && head[1] === 0x8b && head[2] === 8) return "gzip";
  return head.readUInt32LE() === 0xfd2fb528 ? "zstd" : undefined;
}

/**
 * See above. One pass, from the beginning. What stands before a damage is all given before the damage is told: a decoder forgets
 * what it has made when it fails, so the content is gone through again in smaller steps, up to the byte that it fails at.
 */
export class PlainBytes {
  private decoder: Decoder;
  private frames: ZstdFrames | undefined;
  private position = 0;
  /** Where the last step began. */
  private stepStart = 0;
  private steps = 0;
  /** From here on this pass goes in its small steps. */
  private carefulFrom = 0;
  private given = 0;
  /** Bytes that an earlier pass has given. */
  private skipBytes = 0;
  private damage: DamagedContent | undefined;
  private closed = false;

  constructor(
    private readonly codec: FileCodec,
    private readonly readAt: ReadAt,
  ) {
    this.decoder = this.begin();
  }

  /**
   * The next piece; undefined at the end.
   *
   * @throws DamagedContent when the rest cannot be read; the system's error when the file cannot.
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const step = await this.decoder.next(() => this.input());
      switch (step.kind) {
        case "piece": {
          const { piece } = step;
          const skipped = Math.min(this.skipBytes, piece.length);
          this.skipBytes -= skipped;
          if (skipped === piece.length) continue;
          this.given += piece.length - skipped;
          return piece.subarray(skipped);
        }
        case "end":
          if (this.closed) return undefined;
          this.damage ??= this.damageAtEnd();
          if (this.damage !== undefined) throw this.damage;
          return undefined;
        case "failed":
          if (++this.steps < stepBytes.length) this.goThroughAgain();
          else throw this.damageOf(step.error);
      }
    }
  }

  /** Reads no more: the file may be closed. */
  close(): void {
    this.closed = true;
    this.decoder.close();
  }

  private begin(): Decoder {
    this.frames = this.codec === "zstd" ? new ZstdFrames() : undefined;
    return new Decoder(this.codec === "gzip" ? createGunzip() : createZstdDecompress());
  }

  private goThroughAgain(): void {
    this.decoder.close();
    this.carefulFrom = this.stepStart;
    this.position = 0;
    this.skipBytes = this.given;
    this.decoder = this.begin();
  }

  private input(): Buffer | undefined {
    if (this.closed || this.damage !== undefined) return undefined;
    const isCareful = this.position >= this.carefulFrom;
    const step = stepBytes[isCareful ? this.steps : 0] ?? 1;
    const wanted = isCareful ? step : Math.min(step, this.carefulFrom - this.position);
    const buffer = Buffer.allocUnsafe(wanted);
    const bytes = this.readAt(buffer, this.position);
    if (bytes === 0) return undefined;
    this.stepStart = this.position;
    this.position += bytes;
    const chunk = buffer.subarray(0, bytes);
    // The decoder makes nothing of what is no frame: what stands before it comes out all the same.
    if (this.frames?.push(chunk) === false) this.damage = new DamagedContent(behind("zstd"), true);
    return chunk;
  }

  private damageAtEnd(): DamagedContent | undefined {
    if (this.frames?.isComplete === false) return new DamagedContent("its zstd data are cut off");
    if (this.codec === "zstd") return undefined;
    // A zero byte behind a member ends it all for the decoder. Zeros up to the end fill a block of a tape or disk up.
    const buffer = Buffer.alloc(stepBytes[0]);
    for (let at = this.decoder.consumedBytes; ; ) {
      const bytes = this.readAt(buffer, at);
      if (bytes === 0) return undefined;
      if (buffer.subarray(0, bytes).some((byte) => byte !== 0)) return new DamagedContent(behind("gzip"), true);
      at += bytes;
    }
  }

  private damageOf(error: Error): DamagedContent {
    const words = messageOf(error);
    // Of a header behind the first one, by which it was taken for gzip.
    if (this.codec === "gzip" && headerWords.test(words)) return new DamagedContent(behind("gzip"), true);
    return new DamagedContent(`its ${this.codec} data are cut off or damaged (${words})`);
  }
}

function behind(codec: FileCodec): string {
  return `something that is not ${codec} stands behind its ${codec} data; those were read to their end`;
}
