import { at, HEADER_BYTES } from "./header.ts";

/** One batch of a partition's log, and what a consumer asks its header before it reads the records. Nothing is checked yet. */
export interface BatchFrame {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly transactional: boolean;
  readonly control: boolean;
}

const transactionalBit = 16;
const controlBit = 32;

/** Up to the byte that names the format, which stands at the same place in all of them. */
const anyHeaderBytes = at.magic + 1;

/** The smallest message of the formats before record batches (magic 0): no key, no value. */
const legacyBytesMin = 26;

/** Cuts the record set of a partition into batches; the last one may be cut off by the broker and is left out. */
export function splitBatches(records: Buffer): BatchFrame[] {
  const frames: BatchFrame[] = [];
  let start = 0;
  while (records.length - start >= anyHeaderBytes) {
    const length = records.readInt32BE(start + at.batchLength) + 12;
    const legacy = records.readInt8(start + at.magic) < 2;
    if (length < (legacy ? legacyBytesMin : HEADER_BYTES) || start + length > records.length) break;
    const bytes = records.subarray(start, start + length);
    if (legacy) {
      frames.push(legacyFrame(bytes));
      start += length;
      continue;
    }
    const attributes = bytes.readInt16BE(at.attributes);
    const baseOffset = Number(bytes.readBigInt64BE(at.baseOffset));
    frames.push({
      bytes,
      baseOffset,
      lastOffset: baseOffset + Math.max(0, bytes.readInt32BE(at.lastOffsetDelta)),
      producerId: bytes.readBigInt64BE(at.producerId),
      transactional: (attributes & transactionalBit) !== 0,
      control: (attributes & controlBit) !== 0,
    });
    start += length;
  }
  return frames;
}

/** A message of magic 0 or 1 by itself; a compressed one names the last offset inside it, and where that begins is not told. */
function legacyFrame(bytes: Buffer): BatchFrame {
  const offset = Number(bytes.readBigInt64BE(at.baseOffset));
  return { bytes, baseOffset: offset, lastOffset: offset, producerId: -1n, transactional: false, control: false };
}
