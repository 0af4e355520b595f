import { combineCrc, crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { at, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import type { Lane } from "../../core/lane.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { PAGE_BYTES, SLOTS } from "./schema.ts";

/** A batch with what only this channel knows of it. Its id is its first number: unique and ascending within its lane. */
export interface HeldBatch extends StoredBatch {
  readonly lane: Lane;
  /** Row of `body`; null for a marker. */
  readonly body: number | null;
  /** Milliseconds the file had lived when it was put. */
  readonly putMs: number;
}

/** Where a batch ends: the first number behind it. */
export function endOf(batch: { readonly first: number; readonly count: number }): number {
  return batch.first + batch.count;
}

/** Of a page's bytes, what an overflow page carries. */
const overflowBytes = PAGE_BYTES - 4;
/** A narrow row, and a body's cell beside its bytes. */
const rowBytes = 128;

/**
 * The space a body takes on the disk, rounded up: capacity is counted in it, so that the file keeps the bound. Markers
 * take none: they are merged, so there are few.
 */
export function footprint(bytes: number, body: number | null): number {
  if (body === null) return 0;
  if (body <= SLOTS) return PAGE_BYTES;
  return bytes < PAGE_BYTES ? bytes + rowBytes : Math.ceil((bytes + rowBytes) / overflowBytes) * PAGE_BYTES;
}

/** Whether a body is what was put: its length, its records' checksum as the row knows it, and its own over all. */
export function isIntact(bytes: Buffer, recordsCrc: number): boolean {
  if (bytes.length < HEADER_BYTES || bytes.readInt32BE(at.batchLength) !== bytes.length - 12) return false;
  if (crc32c(bytes, HEADER_BYTES, bytes.length) !== recordsCrc) return false;
  const header = crc32c(bytes, at.attributes, HEADER_BYTES);
  return bytes.readUInt32BE(at.crc) === combineCrc(header, recordsCrc, bytes.length - HEADER_BYTES);
}
