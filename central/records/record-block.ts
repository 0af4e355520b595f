import { type BatchSender, unchecked } from "./batch-sender.ts";

/**
 * Records as the store takes them: one decompressed buffer and, per record, where its parts stand in it. No object per
 * record, so that a million of them cost a few typed arrays. A block never changes once it is built.
 */
export interface RecordBlock {
  readonly bytes: Buffer;
  readonly count: number;
  /** Offset of each record in its partition, ascending. */
  readonly offsets: Float64Array;
  /** Kafka's time of each record, milliseconds since 1970. */
  readonly timesMs: Float64Array;
  /** Six numbers a record, see `part`; an absent part starts at -1. */
  readonly parts: Int32Array;
  /** Who made the batch that they came in. */
  readonly sender: BatchSender;
  /** The times are the broker's, of its append; else they are the producer's. */
  readonly brokerTime?: boolean;
  /** `bytes` are the records as the batch of magic 2 holds them, lengths, headers and all. */
  readonly asInBatch?: true;
}

/** Where the parts of record `index` stand: `block.parts[index * part.stride + part.keyStart]`. */
export const part = {
  keyStart: 0,
  keyEnd: 1,
  valueStart: 2,
  valueEnd: 3,
  /** Text of the identity header. */
  identityStart: 4,
  identityEnd: 5,
  stride: 6,
} as const;

/** A few records of a block: `from` inclusive, `to` exclusive. */
export interface RecordSlice {
  readonly block: RecordBlock;
  readonly from: number;
  readonly to: number;
}

/** A record as an object: for dead letters and tests, never on the hot path. */
export interface PlainRecord {
  readonly offset: number;
  readonly timeMs: number;
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly identity: string | undefined;
}

/** Takes one record out of a block. Its buffers are views. */
export function plainRecord(block: RecordBlock, index: number): PlainRecord {
  const view = (startPart: number): Buffer | undefined => {
    const start = block.parts[index * part.stride + startPart] ?? -1;
    return start < 0 ? undefined : block.bytes.subarray(start, block.parts[index * part.stride + startPart + 1]);
  };
  return {
    offset: block.offsets[index] ?? -1,
    timeMs: block.timesMs[index] ?? 0,
    key: view(part.keyStart),
    value: view(part.valueStart),
    identity: view(part.identityStart)?.toString("utf8"),
  };
}

/** Builds a block from records: for tests and for consumers that are not Kafka. */
export function blockOf(records: readonly PlainRecord[], sender: BatchSender = unchecked): RecordBlock {
  const chunks: Buffer[] = [];
  const parts = new Int32Array(records.length * part.stride);
  let at = 0;
  const put = (bytes: Buffer | undefined, slot: number) => {
    parts[slot] = bytes === undefined ? -1 : at;
    parts[slot + 1] = bytes === undefined ? -1 : at + bytes.length;
    if (bytes === undefined) return;
    chunks.push(bytes);
    at += bytes.length;
  };
  records.forEach((record, index) => {
    put(record.key, index * part.stride + part.keyStart);
    put(record.value, index * part.stride + part.valueStart);
    put(
      record.identity === undefined ? undefined : Buffer.from(record.identity),
      index * part.stride + part.identityStart,
    );
  });
  return {
    bytes: Buffer.concat(chunks),
    count: records.length,
    offsets: Float64Array.from(records, (record) => record.offset),
    timesMs: Float64Array.from(records, (record) => record.timeMs),
    parts,
    sender,
  };
}
