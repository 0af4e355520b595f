/**
 * Finds record batches in a file whose trees lead nowhere any more: reads it page by page, takes every page that looks
 * like a leaf of a table (sqlite.org/fileformat2.html, 1.6 and 2.1), every cell on it that looks like a row of `body`,
 * and keeps what proves itself by the record batch's own checksum.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { crcMatches, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { limits } from "../../core/limits.ts";
import { PAGE_BYTES } from "./schema.ts";

/** A body that was found, with what it says of itself. */
export interface FoundBody {
  readonly lane: number;
  readonly first: number;
  readonly bytes: Buffer;
}

const tableLeaf = 0x0d;
const leafHeaderBytes = 8;
const payloadBytesMax = 2 * limits.batchBytesMax;
/** How much of a payload stands on the leaf itself (file format, 1.6, "X" and "M" for a table leaf). */
const localMax = PAGE_BYTES - 35;
const localMin = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;

/** Every intact body of the file, in no order; also ones that were deleted and not yet overwritten. */
export function* salvageBodies(path: string): Generator<FoundBody> {
  const file = openSync(path, "r");
  try {
    const pages = Math.floor(fstatSync(file).size / PAGE_BYTES);
    const page = Buffer.alloc(PAGE_BYTES);
    for (let number = 2; number <= pages; number++) {
      if (readSync(file, page, 0, PAGE_BYTES, (number - 1) * PAGE_BYTES) < PAGE_BYTES || page[0] !== tableLeaf)
        continue;
      const cells = page.readUInt16BE(3);
      for (let cell = 0; cell < cells && leafHeaderBytes + 2 * cell + 2 <= PAGE_BYTES; cell++) {
        const found = readCell(file, page, page.readUInt16BE(leafHeaderBytes + 2 * cell), pages);
        if (found !== undefined) yield found;
      }
    }
  } finally {
    closeSync(file);
  }
}

function readCell(file: number, page: Buffer, at: number, pages: number): FoundBody | undefined {
  const size = readVarint(page, at);
  if (size === undefined || size.value < HEADER_BYTES || size.value > payloadBytesMax) return undefined;
  const row = readVarint(page, size.end);
  if (row === undefined) return undefined;
  const payload = readPayload(page, row.end, size.value, { file, pages });
  return payload === undefined ? undefined : readRow(payload);
}

/** The file that overflow pages are read from: its descriptor, and how many pages it has. */
interface Pages {
  readonly file: number;
  readonly pages: number;
}

function readPayload(page: Buffer, at: number, size: number, { file, pages }: Pages): Buffer | undefined {
  const spilled = localMin + ((size - localMin) % (PAGE_BYTES - 4));
  const local = size <= localMax ? size : spilled <= localMax ? spilled : localMin;
  if (at + local + (local < size ? 4 : 0) > PAGE_BYTES) return undefined;
  const payload = Buffer.alloc(size);
  page.copy(payload, 0, at, at + local);
  let filled = local;
  let next = local < size ? page.readUInt32BE(at + local) : 0;
  const overflow = Buffer.alloc(PAGE_BYTES);
  while (filled < size) {
    if (next < 2 || next > pages) return undefined;
    if (readSync(file, overflow, 0, PAGE_BYTES, (next - 1) * PAGE_BYTES) < PAGE_BYTES) return undefined;
    filled += overflow.copy(payload, filled, 4);
    next = overflow.readUInt32BE(0);
  }
  return payload;
}

/** A record (file format, 2.1) of four columns: id (null, it is the rowid), lane, first, bytes. */
function readRow(payload: Buffer): FoundBody | undefined {
  const header = readVarint(payload, 0);
  if (header === undefined) return undefined;
  const types: number[] = [];
  let at = header.end;
  while (at < header.value && types.length < 5) {
    const type = readVarint(payload, at);
    if (type === undefined) return undefined;
    types.push(type.value);
    at = type.end;
  }
  const [id, laneType = 0, firstType = 0, bytesType = 0] = types;
  if (types.length !== 4 || id !== 0 || bytesType < 12 || bytesType % 2 !== 0) return undefined;
  const lane = readInteger(payload, at, laneType);
  const first = lane === undefined ? undefined : readInteger(payload, lane.end, firstType);
  if (lane === undefined || first === undefined) return undefined;
  const bytes = payload.subarray(first.end, first.end + (bytesType - 12) / 2);
  if (bytes.length < HEADER_BYTES || bytes[16] !== 2 || !crcMatches(bytes)) return undefined;
  return { lane: lane.value, first: first.value, bytes };
}

interface Read {
  readonly value: number;
  readonly end: number;
}

/** SQLite's varint: big-endian, seven bits a byte; ours never need the ninth. */
function readVarint(bytes: Buffer, start: number): Read | undefined {
  let value = 0;
  for (let at = start; at < start + 8; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value = value * 128 + (byte & 127);
    if (byte < 128) return { value, end: at + 1 };
  }
  return undefined;
}

const integerBytes: readonly number[] = [0, 1, 2, 3, 4, 6, 8];

function readInteger(bytes: Buffer, at: number, type: number): Read | undefined {
  if (type === 8 || type === 9) return { value: type - 8, end: at };
  const size = integerBytes[type];
  if (size === undefined || size === 0 || at + size > bytes.length) return undefined;
  const value = size === 8 ? Number(bytes.readBigInt64BE(at)) : bytes.readIntBE(at, size);
  return { value, end: at + size };
}
