/** What a spool file holds, from an offset on: as it is, or what is compressed in it. Offsets are those of the plain content. */
import { readSync } from "node:fs";
import {
  codecHeadBytes,
  codecOf,
  DamagedContent,
  type FileCodec,
  PlainBytes,
} from "../../../shared/compression/plain-bytes.ts";
import { limits } from "../../core/limits.ts";
import type { SpoolFile } from "./spool-file.ts";

/** Bytes at the beginning of `buffer`. One more belongs to it, for a splitter's sentinel. */
interface Piece {
  readonly buffer: Buffer;
  readonly bytes: number;
  /** Nothing comes after it. */
  readonly atEnd: boolean;
  /** It ends where the content ends, though the file has something else behind that: its last line needs no line end. */
  readonly isLast: boolean;
}

/** See above. */
export interface Content {
  /** Makes the bytes from `offset` on ready. It only goes forward. */
  fill(offset: number, signal: AbortSignal): Promise<void>;
  /** The bytes from `offset` on; undefined: the file is shorter than it was. */
  piece(offset: number): Piece | undefined;
  /** The descriptor is not read any more. */
  close(): void;
}

/** A file that is open. */
export interface OpenFile {
  readonly fd: number;
  readonly content: Content;
  readonly file: SpoolFile;
  readonly path: string;
}

/** Where nothing of a file was read, its first bytes say how it is compressed; that is stored, so it stays what it was. */
export function contentOf(fd: number, file: SpoolFile, options: ContentOptions, buffer: Buffer): Content {
  if (file.offset === 0) file.codec = options.decompress ? codecIn(fd) : undefined;
  if (file.codec === undefined) return new FileContent(fd, file.identity.size, buffer);
  return new CompressedContent(fd, file.codec, buffer, options.decompressedBytesMax);
}

interface ContentOptions {
  readonly decompress: boolean;
  readonly decompressedBytesMax: number;
}

function codecIn(fd: number): FileCodec | undefined {
  const head = Buffer.alloc(codecHeadBytes);
  return codecOf(head.subarray(0, readSync(fd, head, 0, codecHeadBytes, 0)));
}

/** A file that is read as it is. */
class FileContent implements Content {
  constructor(
    private readonly fd: number,
    private readonly size: number,
    private readonly buffer: Buffer,
  ) {}

  async fill(): Promise<void> {}

  piece(offset: number): Piece | undefined {
    const wanted = Math.min(limits.readBytes, this.size - offset);
    const bytes = wanted === 0 ? 0 : readSync(this.fd, this.buffer, 0, wanted, offset);
    const atEnd = offset + bytes >= this.size;
    return bytes < wanted && !atEnd ? undefined : { buffer: this.buffer, bytes, atEnd, isLast: atEnd };
  }

  close(): void {}
}

/**
 * What is compressed in a file. A place in it is found again by decompressing what stands before it once more: that costs time
 * after a restart, and no memory and no line.
 */
class CompressedContent implements Content {
  private readonly plain: PlainBytes;
  /** Offset of the first byte of the buffer, and how many there are. */
  private base = 0;
  private bytes = 0;
  private rest: Buffer | undefined;
  private ended = false;
  private damage: DamagedContent | undefined;

  constructor(
    fd: number,
    codec: FileCodec,
    private readonly buffer: Buffer,
    private readonly plainBytesMax: number,
  ) {
    this.plain = new PlainBytes(codec, (into, position) => readSync(fd, into, 0, into.length, position));
  }

  /** @throws DamagedContent when the bytes that are asked for are not there; what stands before the damage is given first. */
  async fill(offset: number, signal: AbortSignal): Promise<void> {
    const used = Math.min(offset - this.base, this.bytes);
    this.buffer.copyWithin(0, used, this.bytes);
    this.base += used;
    this.bytes -= used;
    if (this.damage !== undefined) throw this.damage;
    try {
      while (!this.ended && this.bytes < limits.readBytes && !signal.aborted) await this.take(offset);
    } catch (thrown) {
      if (!(thrown instanceof DamagedContent) || this.bytes === 0) throw thrown;
      this.damage = thrown;
    }
    if (this.ended && this.base < offset)
      throw new DamagedContent(`it holds ${this.base} bytes, and ${offset} were read`);
  }

  piece(): Piece {
    const isLast = this.ended || this.damage?.isBehindWhole === true;
    return { buffer: this.buffer, bytes: this.bytes, atEnd: this.ended, isLast };
  }

  close(): void {
    this.plain.close();
  }

  private async take(offset: number): Promise<void> {
    const chunk = this.rest ?? (await this.plain.next());
    this.rest = undefined;
    if (chunk === undefined) {
      this.ended = true;
      return;
    }
    const skipped = Math.min(chunk.length, Math.max(0, offset - this.base));
    if (this.bytes === 0) this.base += skipped;
    const from = this.bytes === 0 ? skipped : 0;
    const taken = chunk.copy(
      this.buffer,
      this.bytes,
      from,
      Math.min(chunk.length, from + limits.readBytes - this.bytes),
    );
    this.bytes += taken;
    if (from + taken < chunk.length) this.rest = chunk.subarray(from + taken);
    const over = this.base + this.bytes - this.plainBytesMax;
    if (over <= 0) return;
    this.bytes = Math.max(0, this.bytes - over);
    throw new DamagedContent(`it holds more than ${this.plainBytesMax} bytes (decompressedBytesMax)`);
  }
}
