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
import { unchecked } from "../../records/batch-sender.ts";
import { part, type RecordBlock } from "../../records/record-block.ts";
import { decodeLegacy } from "./legacy-messages.ts";

const identityHeader = Buffer.from(IDENTITY_HEADER);

/**
 * The records of one batch.
 *
 * @throws AppError `RECORD_BATCH_CORRUPT` when it is not what its header and its CRC say, or its codec is unknown.
 */
export function decodeBatch(frame: BatchFrame): RecordBlock {
  const { bytes: batch } = frame;
  const magic = batch.readInt8(at.magic);
  if (magic === 0 || magic === 1) return decodeLegacy(batch);
  if (magic !== 2) throw corrupt(`magic ${magic}, expected 2`);
  if (!crcMatches(batch)) throw new AppError("RECORD_BATCH_CORRUPT", "check a record batch: its CRC does not match");
  const attributes = batch.readInt16BE(at.attributes);
  const baseTimeMs = Number(batch.readBigInt64BE(at.baseTimestamp));
  const appendTimeMs = (attributes & 8) === 0 ? undefined : Number(batch.readBigInt64BE(at.maxTimestamp));
  const count = batch.readInt32BE(at.recordCount);
  const bytes = decompress(attributes & 7, batch.subarray(HEADER_BYTES));
  // A record takes at least seven bytes: a count that claims more is a lie that would cost memory.
  if (count < 0 || count * 7 > bytes.length) throw corrupt(`${count} records in ${bytes.length} bytes`);
  const offsets = new Float64Array(count);
  const timesMs = new Float64Array(count);
  const parts = new Int32Array(count * part.stride).fill(-1);
  const reader = new Reader(bytes);
  for (let index = 0; index < count; index++) {
    const end = reader.varint() + reader.position;
    if (end > bytes.length || end < reader.position) throw corrupt(`record ${index} ends behind the batch`);
    reader.position += 1; // attributes: unused in magic 2
    const timeDelta = reader.varint();
    timesMs[index] = appendTimeMs ?? baseTimeMs + timeDelta;
    offsets[index] = frame.baseOffset + reader.varint();
    const slot = index * part.stride;
    reader.field(parts, slot + part.keyStart, end);
    reader.field(parts, slot + part.valueStart, end);
    for (let left = reader.varint(); left > 0; left--) reader.header(parts, slot + part.identityStart, end);
    if (reader.position !== end) throw corrupt(`record ${index} is not as long as it says`);
  }
  const brokerTime = appendTimeMs !== undefined;
  return { bytes, count, offsets, timesMs, parts, sender: unchecked, brokerTime, asInBatch: true };
}

class Reader {
  position = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Zigzag varint; numbers beyond 31 bits (times) take the slower way. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.position++] ?? 256;
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    if (byte === 256) throw corrupt("the bytes end inside a number");
    let value = byte & 127;
    let scale = 128;
    for (let read = 1; read < 10; read++) {
      byte = bytes[this.position++] ?? 256;
      if (byte === 256) throw corrupt("the bytes end inside a number");
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw corrupt("a number of more than ten bytes");
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
