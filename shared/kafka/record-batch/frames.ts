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

/** Cuts the record set of a partition into batches; the last one may be cut off by the broker and is left out. */
export function splitBatches(records: Buffer): BatchFrame[] {
  const frames: BatchFrame[] = [];
  let start = 0;
  while (records.length - start >= HEADER_BYTES) {
    const length = records.readInt32BE(start + at.batchLength) + 12;
    if (length < HEADER_BYTES || start + length > records.length) break;
    const bytes = records.subarray(start, start + length);
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
