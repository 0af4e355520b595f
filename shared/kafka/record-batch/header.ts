/**
 * The 61-byte header of a Kafka record batch, magic 2 (KIP-98; Kafka protocol guide, "Record Batch"), big-endian:
 *
 *      0 baseOffset int64            21 attributes int16 (bits 0-2 codec, bit 3 LogAppendTime)
 *      8 batchLength int32           23 lastOffsetDelta int32
 *     12 partitionLeaderEpoch int32  27 baseTimestamp int64      51 producerEpoch int16
 *     16 magic int8                  35 maxTimestamp int64       53 baseSequence int32
 *     17 crc uint32 (of 21…end)      43 producerId int64         57 recordCount int32
 */
import { AppError } from "../../errors/app-error.ts";
import { combineCrc, crc32c } from "./crc32c.ts";

export const HEADER_BYTES = 61;

/** Where the fields stand. */
export const at = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

/** What the header says. Times in milliseconds since 1970. */
export interface BatchHeader {
  readonly baseOffset: bigint;
  /** Bytes of the whole batch, header included. */
  readonly bytes: number;
  readonly crc: number;
  readonly codecNumber: number;
  readonly logAppendTime: boolean;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/**
 * Reads the header at `start`. Does not check the CRC: see `crcMatches`.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when the bytes are too short or not of magic 2.
 */
export function readBatchHeader(bytes: Buffer, start = 0): BatchHeader {
  if (bytes.length - start < HEADER_BYTES) {
    throw new AppError(
      "RECORD_BATCH_CORRUPT",
      `read a record batch header: ${bytes.length - start} of ${HEADER_BYTES} bytes`,
    );
  }
  const magic = bytes.readInt8(start + at.magic);
  if (magic !== 2) throw new AppError("RECORD_BATCH_CORRUPT", `read a record batch header: magic ${magic}, expected 2`);
  const attributes = bytes.readInt16BE(start + at.attributes);
  return {
    baseOffset: bytes.readBigInt64BE(start + at.baseOffset),
    bytes: bytes.readInt32BE(start + at.batchLength) + 12,
    crc: bytes.readUInt32BE(start + at.crc),
    codecNumber: attributes & 7,
    logAppendTime: (attributes & 8) !== 0,
    lastOffsetDelta: bytes.readInt32BE(start + at.lastOffsetDelta),
    baseTimestampMs: Number(bytes.readBigInt64BE(start + at.baseTimestamp)),
    maxTimestampMs: Number(bytes.readBigInt64BE(start + at.maxTimestamp)),
    producerId: bytes.readBigInt64BE(start + at.producerId),
    producerEpoch: bytes.readInt16BE(start + at.producerEpoch),
    baseSequence: bytes.readInt32BE(start + at.baseSequence),
    recordCount: bytes.readInt32BE(start + at.recordCount),
  };
}

/** Whether the batch's own CRC fits its bytes. `batch` is exactly one batch. */
export function crcMatches(batch: Buffer): boolean {
  return batch.readUInt32BE(at.crc) === crc32c(batch, at.attributes, batch.length);
}

const nothing = Buffer.alloc(0);

/** Who sends a batch: what the broker recognises a repeat by (KIP-98). */
export interface ProducerStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Sequence of the first record, 0 … 2^31-1; it wraps. */
  readonly baseSequence: number;
  /** Moves base and max timestamp by this, for topics that keep the producer's time. */
  readonly shiftMs?: number;
  /** Bytes that are sent right after the batch and belong to it: see signature.ts. */
  readonly trailer?: Buffer | undefined;
}

/**
 * Writes the producer's fields into the batch's header, in place, and mends the CRC from the one of the records part.
 * The records are not read: about 2 µs whatever the size.
 */
export function stampBatch(batch: Buffer, recordsCrc: number, stamp: ProducerStamp): void {
  batch.writeBigInt64BE(stamp.producerId, at.producerId);
  batch.writeInt16BE(stamp.producerEpoch, at.producerEpoch);
  batch.writeInt32BE(stamp.baseSequence, at.baseSequence);
  if (stamp.shiftMs !== undefined && stamp.shiftMs !== 0) {
    const shift = BigInt(stamp.shiftMs);
    batch.writeBigInt64BE(batch.readBigInt64BE(at.baseTimestamp) + shift, at.baseTimestamp);
    batch.writeBigInt64BE(batch.readBigInt64BE(at.maxTimestamp) + shift, at.maxTimestamp);
  }
  const trailer = stamp.trailer ?? nothing;
  batch.writeInt32BE(batch.length + trailer.length - at.partitionLeaderEpoch, at.batchLength);
  const headerCrc = crc32c(batch, at.attributes, HEADER_BYTES);
  const crc = combineCrc(headerCrc, recordsCrc, batch.length - HEADER_BYTES);
  batch.writeUInt32BE(combineCrc(crc, crc32c(trailer), trailer.length), at.crc);
}
