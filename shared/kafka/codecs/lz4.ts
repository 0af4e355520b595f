import { AppError } from "../../errors/app-error.ts";
import { OutputBuffer } from "./output-buffer.ts";

const magic = 0x184d2204;
const minimumMatch = 4;

/**
 * Decompresses an LZ4 frame (lz4/lz4, doc/lz4_Frame_format.md and lz4_Block_format.md), linked blocks or not. Its
 * checksums are stepped over: the record batch has one of its own.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT`.
 */
export function decompressLz4(bytes: Buffer): Buffer {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== magic) throw corrupt("no frame at the beginning");
  const flags = bytes.readUInt8(4);
  const blockChecksumBytes = (flags & 16) === 0 ? 0 : 4;
  const output = new OutputBuffer("lz4");
  let at = 7 + ((flags & 8) === 0 ? 0 : 8) + ((flags & 1) === 0 ? 0 : 4);
  while (at + 4 <= bytes.length) {
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (size === 0) return output.bytes();
    const length = size & 0x7fffffff;
    if (at + length > bytes.length) throw corrupt("a block ends after the bytes");
    if (size >= 0x80000000) output.append(bytes, at, length);
    else block(bytes.subarray(at, at + length), output);
    at += length + blockChecksumBytes;
  }
  throw corrupt("no end mark");
}

function block(bytes: Buffer, output: OutputBuffer): void {
  let at = 0;
  const more = (start: number): number => {
    let length = start;
    if (start !== 15) return length;
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw corrupt("a length ends after its block");
      length += byte;
      if (byte !== 255) return length;
    }
  };
  while (at < bytes.length) {
    const token = bytes[at++] ?? 0;
    const literals = more(token >>> 4);
    if (at + literals > bytes.length) throw corrupt("literals end behind their block");
    output.append(bytes, at, literals);
    at += literals;
    if (at === bytes.length) return; // the last sequence has literals only
    if (at + 2 > bytes.length) throw corrupt("no offset behind literals");
    const offset = bytes.readUInt16LE(at);
    at += 2;
    output.repeat(offset, more(token & 15) + minimumMatch);
  }
}

function corrupt(what: string): AppError {
  return new AppError("RECORD_BATCH_CORRUPT", `decompress lz4: ${what}`);
}
