/**
 * Where a row lies: `stream=…/date=…/bucket=…`, the Hive layout of Iceberg's transforms identity(stream), day(event_time) and
 * bucket[n](vehicle). Readers prune by the same transforms, so these must be theirs, bit for bit (Iceberg spec, appendix B).
 */
import type { Row } from "./row.ts";

/** The values of the three transforms. */
export interface Cell {
  readonly stream: string;
  /** Days since 1970, of the event's time. */
  readonly day: number;
  readonly bucket: number;
}

/** One day in milliseconds. */
export const dayMs = 86_400_000;

/** The cell of a row in a table of so many buckets. */
export function cellOf({ stream, eventMs, vehicle }: Row, buckets: number): Cell {
  return { stream, day: Math.floor(eventMs / dayMs), bucket: bucketOf(vehicle, buckets) };
}

/** Which bucket a vehicle is in. */
export function bucketOf(vehicle: string, buckets: number): number {
  return (murmur3(Buffer.from(vehicle)) & 0x7fffffff) % buckets;
}

/** The cell's folder, below the table's `data`. */
export function cellPath({ stream, day, bucket }: Cell): string {
  return `stream=${stream}/date=${dateOf(day)}/bucket=${bucket}`;
}

/** `2026-11-27`. */
export function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** 32 bits of MurmurHash3 (Austin Appleby, public domain), x86 variant, seed 0. */
export function murmur3(bytes: Buffer): number {
  let hash = 0;
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    hash ^= scramble(bytes.readInt32LE(at));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (whole < bytes.length) hash ^= scramble(bytes.readUIntLE(whole, bytes.length - whole));
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
