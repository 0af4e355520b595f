import { randomFillSync } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { allocate } from "./allocate.ts";

const stepBytes = 1024 * 1024;

/**
 * Space on the disk that we hold so that we can give it to ourselves: on a full disk even DELETE and checkpoint fail.
 *
 * The file holds blocks, it is not just long: allocated without writing where the file system can; else written, with
 * bytes that do not compress, a megabyte at a time, so that no commit waits for all of it.
 */
export class Reserve {
  private size: number;

  constructor(
    private readonly path: string,
    readonly bytesMax: number,
  ) {
    this.size = existsSync(path) ? statSync(path).size : 0;
  }

  /** What is still to be allocated. */
  get missingBytes(): number {
    return Math.max(0, this.bytesMax - this.size);
  }

  /** Allocates what is missing, or writes one step more of it. @throws Error of the file system, most likely ENOSPC. */
  grow(): void {
    const file = openSync(this.path, "a", 0o600);
    try {
      if (this.size > 0 || !allocate(file, this.bytesMax)) {
        const step = randomFillSync(Buffer.allocUnsafe(Math.min(stepBytes, this.missingBytes)));
        writeSync(file, step);
      }
      if (statSync(this.path).size >= this.bytesMax) fsyncSync(file);
      this.size = statSync(this.path).size;
    } finally {
      closeSync(file);
    }
  }

  /** Gives the space back to the file system, for us to use. */
  release(): void {
    rmSync(this.path, { force: true });
    this.size = 0;
  }
}
