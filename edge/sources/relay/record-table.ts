/**
 * The records of one batch as numbers that say where their parts stand: a hop takes millions, and an object a record would
 * cost more than all the rest of it. Bytes are checked here, so that whoever reads the parts needs no further look.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { decompress } from "../../../shared/kafka/record-batch/compression.ts";
import { crcMatches, HEADER_BYTES, readBatchHeader } from "../../../shared/kafka/record-batch/header.ts";
import { VarintReader } from "../../../shared/kafka/record-batch/varint-reader.ts";

/** Of each record. `parts` has `part.stride` places a record; what is absent begins at -1. */
export interface RecordTable {
  /** The batch, decompressed. */
  readonly bytes: Buffer;
  readonly count: number;
  readonly timesMs: Float64Array;
  readonly parts: Int32Array;
  readonly largestBytes: number;
  /** Not what its records say, but what was said of them: who sends it to Kafka may have moved both. */
  readonly maxTimestampMs: number;
}

/** Where in `parts` it stands. */
export const part = {
  keyStart: 0,
  keyEnd: 1,
  valueStart: 2,
  valueEnd: 3,
  identityStart: 4,
  identityEnd: 5,
  /** Of the first header; how many there are. */
  headersStart: 6,
  headersCount: 7,
  stride: 8,
} as const;

const identityName = Buffer.from(IDENTITY_HEADER);
/** Length, attributes, two deltas, key, value, number of headers. */
const recordBytesMin = 7;

/** Reads exactly one batch. @throws AppError `RECORD_BATCH_CORRUPT` when it is not what its header and its CRC say. */
export function readTable(batch: Buffer): RecordTable {
  const header = readBatchHeader(batch);
  const { codecNumber, recordCount: count, baseTimestampMs, maxTimestampMs } = header;
  if (!crcMatches(batch)) throw corrupt("its CRC does not match");
  // A broker would refuse it, and all that stands behind it would wait.
  if (header.logAppendTime || header.lastOffsetDelta !== count - 1) throw corrupt("its header is not an edge's");
  const bytes = decompress(codecNumber, batch.subarray(HEADER_BYTES));
  // A count that claims more is a lie that would cost memory.
  if (count < 1 || count * recordBytesMin > bytes.length) throw corrupt(`${count} records in ${bytes.length} bytes`);
  const timesMs = new Float64Array(count);
  const parts = new Int32Array(count * part.stride).fill(-1);
  const cursor = new RecordCursor(bytes);
  let largestBytes = 0;
  for (let index = 0; index < count; index++) {
    const slot = index * part.stride;
    timesMs[index] = baseTimestampMs + cursor.record(parts, index);
    const size = (parts[slot + part.valueEnd] ?? 0) - (parts[slot + part.valueStart] ?? 0);
    if (size > largestBytes) largestBytes = size;
  }
  if (cursor.position !== bytes.length) throw corrupt(`${bytes.length - cursor.position} bytes behind its records`);
  return { bytes, count, timesMs, parts, largestBytes, maxTimestampMs };
}

/** Reads on in the bytes of a table. */
export class RecordCursor extends VarintReader {
  /** The next record's parts; answers the time behind the batch's. */
  record(parts: Int32Array, index: number): number {
    const slot = index * part.stride;
    const end = this.endOf(this.varint(), this.bytes.length);
    this.position++; // attributes: unused in magic 2
    const timeDelta = this.varint();
    if (this.varint() !== index) throw corrupt("its records do not stand in order");
    this.field(parts, slot + part.keyStart, end);
    this.field(parts, slot + part.valueStart, end);
    const headers = this.varint();
    parts[slot + part.headersStart] = this.position;
    parts[slot + part.headersCount] = headers;
    for (let left = headers; left > 0; left--) this.identity(parts, slot, end);
    if (this.position !== end) throw corrupt("a record is not as long as it says");
    return timeDelta;
  }

  /** Where so many bytes end. */
  private endOf(length: number, max: number): number {
    const end = this.position + length;
    if (length < 0 || end > max) throw corrupt("a part ends behind what holds it");
    return end;
  }

  private field(parts: Int32Array, place: number, end: number): void {
    const length = this.varint();
    if (length < 0) return;
    parts[place] = this.position;
    this.position = this.endOf(length, end);
    parts[place + 1] = this.position;
  }

  /** Steps over a header; when it is the identity, keeps where its text stands. */
  private identity(parts: Int32Array, slot: number, end: number): void {
    const { bytes } = this;
    const nameLength = this.varint();
    const nameStart = this.position;
    this.position = this.endOf(nameLength, end);
    const valueLength = Math.max(0, this.varint());
    const valueStart = this.position;
    this.position = this.endOf(valueLength, end);
    if (nameLength !== identityName.length) return;
    for (let at = 0; at < nameLength; at++) if (bytes[nameStart + at] !== identityName[at]) return;
    if (parts[slot + part.identityStart] !== -1) throw corrupt("a record has two identities");
    parts[slot + part.identityStart] = valueStart;
    parts[slot + part.identityEnd] = this.position;
  }
}

function corrupt(what: string): AppError {
  return new AppError("RECORD_BATCH_CORRUPT", `read a record batch: ${what}`);
}
