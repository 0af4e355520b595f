import { closeSync, openSync, rmSync, writeSync } from "node:fs";

/** Fills a disk to its last byte, as another program would: `using filler = fillDisk(path)`. Gone when deleted. */
export function fillDisk(path: string): Disposable & { readonly bytes: number } {
  const descriptor = openSync(path, "a");
  let bytes = 0;
  for (let piece = Buffer.alloc(1 << 20); piece.length > 0; ) {
    try {
      bytes += writeSync(descriptor, piece);
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC")) throw thrown;
      // No room for a piece of this size: smaller ones, down to a single byte.
      piece = piece.subarray(0, Math.floor(piece.length / 2));
    }
  }
  closeSync(descriptor);
  return { bytes, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
