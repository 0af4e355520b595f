import { readSync } from "node:fs";

/** A file's head is fingerprinted up to this length; a shorter file over what is there, growing with it. */
export const headBytesMax = 1024;

/** Bytes before the offset that are remembered: they tell "read up to here" from "other bytes at this place". */
export const tailBytesMax = 64;

/** What stands at some place of a file, without the content: length in bytes, and xxHash64 in hexadecimal. */
export interface Fingerprint {
  readonly length: number;
  readonly hash: string;
}

/** The fingerprint of these bytes. */
export function fingerprintOf(bytes: Buffer): Fingerprint {
  return { length: bytes.length, hash: Bun.hash.xxHash64(bytes).toString(16).padStart(16, "0") };
}

/** Whether exactly the fingerprinted bytes stand at `position`. An empty fingerprint matches everything. */
export function matchesAt(fd: number, position: number, fingerprint: Fingerprint): boolean {
  if (position < 0) return false;
  const bytes = readAt(fd, position, fingerprint.length);
  return bytes.length === fingerprint.length && fingerprintOf(bytes).hash === fingerprint.hash;
}

/** Up to `length` bytes from `position`, in a buffer of their own; fewer at the end of the file. */
export function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const read = length === 0 ? 0 : readSync(fd, buffer, 0, length, position);
  return buffer.subarray(0, read);
}

/**
 * Whether the first file looks like a copy of the beginning of the second one (a copy in progress, or a finished one):
 * not longer, the same head, the same bytes at the place where it ends.
 */
export function isPrefixOf(fd: number, size: number, otherFd: number, otherSize: number): boolean {
  if (size === 0 || size > otherSize) return false;
  const headBytes = Math.min(headBytesMax, size);
  const tailBytes = Math.min(tailBytesMax, size);
  return (
    readAt(fd, 0, headBytes).equals(readAt(otherFd, 0, headBytes)) &&
    readAt(fd, size - tailBytes, tailBytes).equals(readAt(otherFd, size - tailBytes, tailBytes))
  );
}
