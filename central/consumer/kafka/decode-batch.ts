/**
 * From a record batch to a block: magic 2 (KIP-98; older ones in legacy-messages.ts), CRC checked, decompressed once,
 * each record read in one pass over varints. What cannot be read becomes a damaged range with a reason, never an
 * exception that would stop the partition.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { decompress } from "../../../shared/kafka/record-batch/compression.ts";
import type { BatchFrame } from "../../../shared/kafka/record-batch/frames.ts";
import { at, crcMatches, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { VarintReader } from "../../../shared/kafka/record-batch/varint-reader.ts";
import { unchecked } from "../../records/batch-sender.ts";
import { part, type RecordBlock } from "../../records/record-block.ts";
import { decodeLegacy } from "./legacy-messages.ts";

const identityHeader = Buffer.from(IDENTITY_HEADER);

/**
 * The records of one batch, as one block.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when it is not what its header and its CRC say, or its codec is unknown.
 */
export function decodeBatch(frame: BatchFrame): RecordBlock {
  for (const block of decodeBlocks(frame, Number.MAX_SAFE_INTEGER)) return block;
  throw corrupt("no records");
}

/**
 * The records of one batch as blocks of so many: a few KiB may hold hundreds of thousands, and whoever takes them wants to
 * do something else in between. They share the decompressed bytes. The first one comes even when it is empty.
 *
 * @throws AppError as above; after some blocks when what follows them is no record.
 */
export function* decodeBlocks(frame: BatchFrame, recordsMax: number): Generator<RecordBlock, void> {
  const { bytes: batch } = frame;
  const magic = batch.readInt8(at.magic);
  if (magic === 0 || magic === 1) {
    yield decodeLegacy(batch);
    return;
  }
  if (magic !== 2) throw corrupt(`magic ${magic}, expected 2`);
  if (!crcMatches(batch)) throw new AppError("RECORD_BATCH_CORRUPT", "check a record batch: its CRC does not match");
  const attributes = batch.readInt16BE(at.attributes);
  const baseTimeMs = Number(batch.readBigInt64BE(at.baseTimestamp));
  const appendTimeMs = (attributes & 8) === 0 ? undefined : Number(batch.readBigInt64BE(at.maxTimestamp));
  const total = batch.readInt32BE(at.recordCount);
  const bytes = decompress(attributes & 7, batch.subarray(HEADER_BYTES));
  // A record takes at least seven bytes: a count that claims more is a lie that would cost memory.
  if (total < 0 || total * 7 > bytes.length) throw corrupt(`${total} records in ${bytes.length} bytes`);
  const reader = new Reader(bytes);
  const times = { baseTimeMs, appendTimeMs };
  let first = 0;
  do {
    const count = Math.min(recordsMax, total - first);
    yield reader.block({ first, count, baseOffset: frame.baseOffset, ...times });
    first += count;
  } while (first < total);
}

/** Some records of a batch, and what their own numbers are counted from. */
interface BlockRange {
  readonly first: number;
  readonly count: number;
  readonly baseOffset: number;
  readonly baseTimeMs: number;
  readonly appendTimeMs: number | undefined;
}

class Reader extends VarintReader {
  /** The next records; they follow each other. */
  block({ first, count, baseOffset, baseTimeMs, appendTimeMs }: BlockRange): RecordBlock {
    const { bytes } = this;
    const offsets = new Float64Array(count);
    const timesMs = new Float64Array(count);
    const parts = new Int32Array(count * part.stride).fill(-1);
    for (let index = 0; index < count; index++) {
      const end = this.varint() + this.position;
      if (end > bytes.length || end < this.position) throw corrupt(`record ${first + index} ends behind the batch`);
      this.position += 1; // attributes: unused in magic 2
      const timeDelta = this.varint();
      timesMs[index] = appendTimeMs ?? baseTimeMs + timeDelta;
      offsets[index] = baseOffset + this.varint();
      const slot = index * part.stride;
      this.field(parts, slot + part.keyStart, end);
      this.field(parts, slot + part.valueStart, end);
      for (let left = this.varint(); left > 0; left--) this.header(parts, slot + part.identityStart, end);
      if (this.position !== end) throw corrupt(`record ${first + index} is not as long as it says`);
    }
    const brokerTime = appendTimeMs !== undefined;
    return { bytes, count, offsets, timesMs, parts, sender: unchecked, brokerTime, asInBatch: true };
  }

  /** A length and its bytes; -1 is absent. */
  field(parts: Int32Array, slot: number, end: number): void {
    const length = this.varint();
    if (length < 0) return;
    const stop = this.position + length;
    if (stop > end) throw corrupt("a field ends behind its record");
    parts[slot] = this.position;
    parts[slot + 1] = stop;
    this.position = stop;
  }

  /** Keeps where the identity's text stands; other headers are stepped over. */
  header(parts: Int32Array, slot: number, end: number): void {
    const nameLength = this.varint();
    const nameStart = this.position;
    this.position += Math.max(0, nameLength);
    const valueLength = this.varint();
    const valueStart = this.position;
    this.position += Math.max(0, valueLength);
    if (this.position > end) throw corrupt("a header ends behind its record");
    if (nameLength !== identityHeader.length || valueLength < 0) return;
    for (let index = 0; index < nameLength; index++) {
      if (this.bytes[nameStart + index] !== identityHeader[index]) return;
    }
    parts[slot] = valueStart;
    parts[slot + 1] = valueStart + valueLength;
  }
}

function corrupt(what: string): AppError {
  return new AppError("RECORD_BATCH_CORRUPT", `decode a record batch: ${what}`);
}
