/**
 * Records on their way into another topic: each keeps its key, value, headers and time byte for byte. Only what a batch says of
 * its records is written anew: distances of time and offset, producer and sequence.
 *
 *     record   length | attributes | time delta | offset delta | body: key, value, headers, as they were
 */
import { compress } from "../../shared/kafka/record-batch/compression.ts";
import { crc32c } from "../../shared/kafka/record-batch/crc32c.ts";
import { at, HEADER_BYTES } from "../../shared/kafka/record-batch/header.ts";
import { part, plainRecord, type RecordBlock } from "../records/record-block.ts";

/** A record without what its batch says of it. */
export interface CopiedRecord {
  readonly offset: number;
  readonly timeMs: number;
  /** Decides the partition where the topics have different numbers of them; undefined: no key. */
  readonly key: Buffer | undefined;
  /** From the key's length to the record's end. */
  readonly body: Buffer;
}

/** Whose batch it is. */
export interface BatchStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

const transactionalZstd = 16 | 4;

/** Found once for a block, however its records go out. */
const bodiesByBlock = new WeakMap<RecordBlock, readonly Buffer[]>();

/** A record of a block; its body is a view of it. */
export function copyRecord(block: RecordBlock, index: number): CopiedRecord {
  const keyStart = block.parts[index * part.stride + part.keyStart] ?? -1;
  const keyEnd = block.parts[index * part.stride + part.keyEnd] ?? -1;
  return {
    offset: block.offsets[index] ?? -1,
    timeMs: block.timesMs[index] ?? 0,
    key: keyStart < 0 ? undefined : block.bytes.subarray(keyStart, keyEnd),
    body: block.asInBatch === true ? (bodiesIn(block)[index] ?? bodyOf(block, index)) : bodyOf(block, index),
  };
}

function bodiesIn(block: RecordBlock): readonly Buffer[] {
  const known = bodiesByBlock.get(block) ?? bodiesOf(block);
  bodiesByBlock.set(block, known);
  return known;
}

/** A batch of magic 2, part of a transaction. */
export function writeCopies(records: readonly CopiedRecord[], stamp: BatchStamp): Buffer {
  const baseMs = records[0]?.timeMs ?? 0;
  const pieces: Buffer[] = [];
  let maxMs = baseMs;
  records.forEach(({ timeMs, body }, index) => {
    maxMs = Math.max(maxMs, timeMs);
    const head = Buffer.concat([Buffer.of(0), zigzag(timeMs - baseMs), zigzag(index)]);
    pieces.push(zigzag(head.length + body.length), head, body);
  });
  const packed = compress("zstd", Buffer.concat(pieces));
  const batch = Buffer.alloc(HEADER_BYTES + packed.length);
  batch.set(packed, HEADER_BYTES);
  batch.writeInt32BE(batch.length - at.partitionLeaderEpoch, at.batchLength);
  batch.writeInt32BE(-1, at.partitionLeaderEpoch);
  batch.writeInt8(2, at.magic);
  batch.writeInt16BE(transactionalZstd, at.attributes);
  batch.writeInt32BE(records.length - 1, at.lastOffsetDelta);
  batch.writeBigInt64BE(BigInt(baseMs), at.baseTimestamp);
  batch.writeBigInt64BE(BigInt(maxMs), at.maxTimestamp);
  batch.writeBigInt64BE(stamp.producerId, at.producerId);
  batch.writeInt16BE(stamp.producerEpoch, at.producerEpoch);
  batch.writeInt32BE(stamp.baseSequence, at.baseSequence);
  batch.writeInt32BE(records.length, at.recordCount);
  batch.writeUInt32BE(crc32c(batch, at.attributes), at.crc);
  return batch;
}

function bodiesOf({ bytes, count }: RecordBlock): Buffer[] {
  const bodies: Buffer[] = [];
  let position = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[position++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  for (let index = 0; index < count; index++) {
    const length = varint() / 2; // zigzag of a length: never negative in a batch that was decoded
    const end = position + length;
    position += 1;
    varint();
    varint();
    bodies.push(bytes.subarray(position, end));
    position = end;
  }
  return bodies;
}

/** Of a record of the formats before 0.11: it has no headers. */
function bodyOf(block: RecordBlock, index: number): Buffer {
  const { key, value } = plainRecord(block, index);
  return Buffer.concat([...field(key), ...field(value), zigzag(0)]);
}

function field(bytes: Buffer | undefined): Buffer[] {
  return bytes === undefined ? [zigzag(-1)] : [zigzag(bytes.length), bytes];
}

function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}
