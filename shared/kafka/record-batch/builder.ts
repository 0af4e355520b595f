/**
 * Builds one Kafka record batch (magic 2) at a time, record by record, with no object per record.
 *
 * Records are written with varints into one arena that grows to the batch's bound and is used again for the next batch;
 * `seal` compresses it once and puts the 61-byte header before it. Record layout (Kafka protocol guide, "Record"), all
 * varints zigzag:
 *
 *     length | attributes int8 | timestampDelta | offsetDelta | keyLength key | valueLength value |
 *     headerCount { nameLength name valueLength value }
 *
 * The first header is the identity (shared/identity): its text shares the lane's prefix, so only the digits of the number
 * and of the time are written anew.
 */
import { invariant } from "../../errors/invariant.ts";
import { IDENTITY_HEADER, type LaneIdentity, lanePrefix } from "../../identity/identity.ts";
import { bytesOfText } from "./byte-text.ts";
import { type Compression, codecNumbers, compress } from "./compression.ts";
import { combineCrc, crc32c } from "./crc32c.ts";
import { at, HEADER_BYTES } from "./header.ts";

/** A finished batch; no producer yet. */
export interface SealedBatch {
  readonly bytes: Buffer;
  /** CRC-32C of the part after the header. */
  readonly recordsCrc: number;
  readonly count: number;
  readonly timeMsMin: number;
  readonly timeMsMax: number;
}

export interface BuilderOptions {
  readonly compression: Compression;
  /** Undefined: records carry no identity header. */
  readonly identity: LaneIdentity | undefined;
}

/** A record's parts beside its bytes. */
export interface RecordHeaders {
  readonly headerNames: readonly string[];
  readonly headerValues: readonly string[];
}

/**
 * One record, as it is read: its value is `buffer[start..end)`. An empty one with the header `tombstone: true` is a record
 * without a value: on a compacted topic it deletes its key.
 */
export interface RecordSource extends RecordHeaders {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  readonly eventTimeMs: number;
  readonly key: string | undefined;
}

const arenaBytesInitial = 64 * 1024;
/** Upper bound of what a record adds to its key, value and headers' bytes: its varints, attributes and identity digits. */
const recordOverheadBytes = 128;
/** Longer texts are looked up, whatever they say. An identity that is kept as a header is some 60 characters long. */
const keyLengthMax = 32;
const valueLengthMax = 128;
const identityName = Buffer.from(IDENTITY_HEADER);
/** Of an event with an empty body: its record has no value. */
export const tombstoneHeader = "tombstone";

export class RecordBatchBuilder {
  /** Records so far. */
  count = 0;
  /** Uncompressed bytes so far. */
  bytes = 0;

  private arena = Buffer.allocUnsafe(arenaBytesInitial);
  private readonly codec: Compression;
  private readonly prefix: Uint8Array | undefined;
  private readonly keys = new TextBytes();
  private readonly texts = new TextBytes();
  /** Of each header of the record before, where it was written character by character. */
  private readonly lastValues: string[] = [];
  private firstSeq = 0;
  private baseTimeMs = 0;
  private timeMsMin = 0;
  private timeMsMax = 0;
  private readonly timeDigits = new Uint8Array(20);
  private timeDigitsLength = 0;
  private timeDigitsFor = Number.NaN;

  constructor(options: BuilderOptions) {
    this.codec = options.compression;
    this.prefix = options.identity === undefined ? undefined : Buffer.from(lanePrefix(options.identity));
  }

  /** Starts the next batch; its first record gets this number. */
  begin(firstSeq: number): void {
    invariant(this.count === 0, "a batch begins after the one before was sealed");
    this.firstSeq = firstSeq;
  }

  /** Adds a record. What it is given is read during the call and not kept: one object may stand for all records. */
  append(record: RecordSource): void {
    const { buffer: source, start, end, eventTimeMs: timeMs, key } = record;
    if (this.count === 0) {
      this.baseTimeMs = timeMs;
      this.timeMsMin = timeMs;
      this.timeMsMax = timeMs;
    } else if (timeMs > this.timeMsMax) this.timeMsMax = timeMs;
    else if (timeMs < this.timeMsMin) this.timeMsMin = timeMs;

    const valueLength = end - start;
    const isTombstone = valueLength === 0 && saysTombstone(record);
    const keyIsPlain = key === undefined || isShortAscii(key, keyLengthMax);
    const keyBytes = keyIsPlain ? undefined : this.keys.of(key);
    const keyLength = key === undefined ? 0 : (keyBytes ?? key).length;
    const timeDelta = timeMs - this.baseTimeMs;
    const prefix = this.prefix;
    let identityLength = 0;
    let headersLength = 0;
    if (prefix !== undefined) {
      if (timeMs !== this.timeDigitsFor) this.writeTimeDigits(timeMs);
      identityLength = prefix.length + digitCount(this.firstSeq + this.count) + 1 + this.timeDigitsLength;
      headersLength = 1 + identityName.length + varintLength(identityLength) + identityLength;
    }
    const extra = record.headerNames.length;
    if (extra > 0) headersLength += this.headersLength(record);

    const bodyLength =
      1 +
      varlongLength(timeDelta) +
      varintLength(this.count) +
      (key === undefined ? 1 : varintLength(keyLength) + keyLength) +
      (isTombstone ? 1 : varintLength(valueLength) + valueLength) +
      varintLength(extra + (prefix === undefined ? 0 : 1)) +
      headersLength;
    if (this.bytes + bodyLength + recordOverheadBytes > this.arena.length) this.grow(bodyLength + recordOverheadBytes);

    const arena = this.arena;
    let offset = writeVarint(arena, this.bytes, bodyLength);
    arena[offset++] = 0;
    offset = writeVarlong(arena, offset, timeDelta);
    offset = writeVarint(arena, offset, this.count);
    if (key === undefined)
      arena[offset++] = 1; // zigzag of -1: no key
    else {
      offset = writeVarint(arena, offset, keyLength);
      if (keyBytes === undefined) offset = writeAscii(arena, offset, key);
      else offset = writeBytes(arena, offset, keyBytes, keyLength);
    }
    if (isTombstone)
      arena[offset++] = 1; // no value
    else {
      offset = writeVarint(arena, offset, valueLength);
      source.copy(arena, offset, start, end);
      offset += valueLength;
    }
    offset = writeVarint(arena, offset, extra + (prefix === undefined ? 0 : 1));
    if (prefix !== undefined) {
      arena[offset++] = identityName.length << 1;
      offset = writeBytes(arena, offset, identityName, identityName.length);
      offset = writeVarint(arena, offset, identityLength);
      offset = writeBytes(arena, offset, prefix, prefix.length);
      offset = writeDigits(arena, offset, this.firstSeq + this.count);
      arena[offset++] = 64; // @
      offset = writeBytes(arena, offset, this.timeDigits, this.timeDigitsLength);
    }
    if (extra > 0) offset = this.writeHeaders(offset, record);
    this.bytes = offset;
    this.count++;
  }

  /** Ends the batch: compresses, writes the header; the builder is ready for `begin`. */
  seal(): SealedBatch {
    invariant(this.count > 0, "a batch that is sealed holds records");
    const records = compress(this.codec, this.arena.subarray(0, this.bytes));
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + records.length);
    bytes.set(records, HEADER_BYTES);
    bytes.writeBigInt64BE(0n, at.baseOffset);
    bytes.writeInt32BE(bytes.length - 12, at.batchLength);
    bytes.writeInt32BE(-1, at.partitionLeaderEpoch);
    bytes.writeInt8(2, at.magic);
    bytes.writeInt16BE(codecNumbers[this.codec], at.attributes);
    bytes.writeInt32BE(this.count - 1, at.lastOffsetDelta);
    bytes.writeBigInt64BE(BigInt(this.baseTimeMs), at.baseTimestamp);
    bytes.writeBigInt64BE(BigInt(this.timeMsMax), at.maxTimestamp);
    bytes.writeBigInt64BE(-1n, at.producerId);
    bytes.writeInt16BE(-1, at.producerEpoch);
    bytes.writeInt32BE(-1, at.baseSequence);
    bytes.writeInt32BE(this.count, at.recordCount);
    const recordsCrc = crc32c(records);
    const headerCrc = crc32c(bytes, at.attributes, HEADER_BYTES);
    bytes.writeUInt32BE(combineCrc(headerCrc, recordsCrc, records.length), at.crc);
    const sealed = {
      bytes,
      recordsCrc,
      count: this.count,
      timeMsMin: this.timeMsMin,
      timeMsMax: this.timeMsMax,
    };
    this.count = 0;
    this.bytes = 0;
    return sealed;
  }

  /** Between two batches: gives back an arena that grew larger than batches of this size need. */
  trim(batchBytesMax: number): void {
    if (this.count > 0 || this.arena.length <= Math.max(2 * batchBytesMax, arenaBytesInitial)) return;
    this.arena = Buffer.allocUnsafe(arenaBytesInitial);
  }

  private grow(needed: number): void {
    let size = this.arena.length;
    while (size < this.bytes + needed) size *= 2;
    const arena = Buffer.allocUnsafe(size);
    this.arena.copy(arena, 0, 0, this.bytes);
    this.arena = arena;
  }

  private writeTimeDigits(timeMs: number): void {
    const text = String(timeMs);
    for (let index = 0; index < text.length; index++) this.timeDigits[index] = text.charCodeAt(index);
    this.timeDigitsLength = text.length;
    this.timeDigitsFor = timeMs;
  }

  private headersLength(headers: RecordHeaders): number {
    let length = 0;
    for (let index = 0; index < headers.headerNames.length; index++) {
      const name = this.texts.of(headers.headerNames[index] ?? "").length;
      const text = headers.headerValues[index] ?? "";
      const value = this.isWrittenAnew(index, text) ? text.length : this.texts.of(text).length;
      length += varintLength(name) + name + varintLength(value) + value;
    }
    return length;
  }

  /** Whether a value is not that of the record before, and plain: one that differs each time is looked up in vain. */
  private isWrittenAnew(index: number, text: string): boolean {
    return text !== this.lastValues[index] && isShortAscii(text, valueLengthMax);
  }

  private writeHeaders(start: number, headers: RecordHeaders): number {
    let offset = start;
    for (let index = 0; index < headers.headerNames.length; index++) {
      const name = this.texts.of(headers.headerNames[index] ?? "");
      const text = headers.headerValues[index] ?? "";
      offset = writeVarint(this.arena, offset, name.length);
      offset = writeBytes(this.arena, offset, name, name.length);
      if (this.isWrittenAnew(index, text)) {
        offset = writeVarint(this.arena, offset, text.length);
        offset = writeAscii(this.arena, offset, text);
        this.lastValues[index] = text;
        continue;
      }
      const value = this.texts.of(text);
      offset = writeVarint(this.arena, offset, value.length);
      offset = writeBytes(this.arena, offset, value, value.length);
    }
    return offset;
  }
}

/** Bytes of texts that come again and again (keys, header names and values): encoded once, in bounded memory. */
class TextBytes {
  private known = new Map<string, Uint8Array>();

  of(text: string): Uint8Array {
    const found = this.known.get(text);
    if (found !== undefined) return found;
    if (this.known.size >= 4096) this.known.clear();
    const bytes = bytesOfText(text);
    this.known.set(text, bytes);
    return bytes;
  }
}

function saysTombstone({ headerNames, headerValues }: RecordHeaders): boolean {
  const at = headerNames.lastIndexOf(tombstoneHeader);
  return at >= 0 && headerValues[at] === "true";
}

function varintLength(value: number): number {
  const zigzag = value * 2;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}

/** Zigzag varint of a number that is not negative and below 2^30. */
function writeVarint(target: Uint8Array, start: number, value: number): number {
  let offset = start;
  let rest = value << 1;
  while (rest > 127) {
    target[offset++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[offset++] = rest;
  return offset;
}

function zigzagLong(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varlongLength(value: number): number {
  let rest = zigzagLong(value);
  let length = 1;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Zigzag varint of any safe integer: an event time may lie decades before or after the first one's. */
function writeVarlong(target: Uint8Array, start: number, value: number): number {
  let offset = start;
  let rest = zigzagLong(value);
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[offset++] = (rest % 128) | 128;
  target[offset++] = rest;
  return offset;
}

/** Short runs of bytes: a loop is quicker than a native copy below some 60 bytes. */
function writeBytes(target: Uint8Array, start: number, source: Uint8Array, length: number): number {
  for (let index = 0; index < length; index++) target[start + index] = source[index] as number;
  return start + length;
}

/** Most keys: their bytes are their characters, and looking them up would cost more than writing them. */
function isShortAscii(text: string, lengthMax: number): boolean {
  if (text.length > lengthMax) return false;
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false;
  return true;
}

function writeAscii(target: Uint8Array, start: number, text: string): number {
  for (let index = 0; index < text.length; index++) target[start + index] = text.charCodeAt(index);
  return start + text.length;
}

function digitCount(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}

function writeDigits(target: Uint8Array, start: number, value: number): number {
  const end = start + digitCount(value);
  let rest = value;
  for (let offset = end - 1; offset >= start; offset--) {
    const next = Math.floor(rest / 10);
    target[offset] = 48 + (rest - next * 10);
    rest = next;
  }
  return end;
}
