import { closeSync, fstatSync } from "node:fs";
import { readAt } from "./fingerprint.ts";

/** Of one log so many are remembered. */
const sizesMax = 16;
/** Of so many logs. */
const logsMax = 1_000;
const isizeBytes = 4;

/**
 * Logs that were truncated when all that was known of them was read. A compressed file that comes beside one may be the copy that was
 * made of it before. A gzip file tells how much it holds (RFC 1952, ISIZE, modulo 2^32): with as much as was read nothing is in
 * it that was not read. Other formats tell it rarely.
 */
export class TruncatedLogs {
  private readonly sizes = new Map<string, number[]>();

  note(trail: string, size: number): void {
    const sizes = this.sizes.get(trail) ?? [];
    sizes.push(size % 2 ** 32);
    this.sizes.delete(trail);
    this.sizes.set(trail, sizes.slice(-sizesMax));
    const [oldest] = this.sizes.keys();
    if (this.sizes.size > logsMax && oldest !== undefined) this.sizes.delete(oldest);
  }

  /** Whether the file is the copy of such a log; answers that once for each of them. `open` is called only where it may be. */
  isCopy(trail: string, name: string, open: () => number | undefined): boolean {
    const sizes = this.sizes.get(trail) ?? [];
    const fd = sizes.length > 0 && name.endsWith(".gz") ? open() : undefined;
    if (fd === undefined) return false;
    try {
      const at = sizes.indexOf(heldBytes(fd));
      if (at >= 0) sizes.splice(at, 1);
      return at >= 0;
    } finally {
      closeSync(fd);
    }
  }
}

/** What a gzip file says that it holds, modulo 2^32; -1: nothing. */
export function heldBytes(fd: number): number {
  const isize = readAt(fd, Math.max(0, fstatSync(fd).size - isizeBytes), isizeBytes);
  return isize.length < isizeBytes ? -1 : isize.readUInt32LE();
}
