import { randomFillSync } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";

const stepBytes = 1024 * 1024;

/**
 * Space on the disk that we hold so that we can give it to ourselves: on a full disk even DELETE and checkpoint fail.
 *
 * The file is written, not just made long, so that it holds blocks; with bytes that do not compress, for file systems
 * that would. A megabyte at a time, so that no commit waits for all of it.
 */
export class Reserve {
  private size: number;

  constructor(
    private readonly path: string,
    readonly bytesMax: number,
  ) {
    this.size = existsSync(path) ? statSync(path).size : 0;
  }

  /** What is still to be written. */
  get missingBytes(): number {
    return Math.max(0, this.bytesMax - this.size);
  }

  /** Writes one step more. @throws Error of the file system, most likely ENOSPC. */
  grow(): void {
    const step = randomFillSync(Buffer.allocUnsafe(Math.min(stepBytes, this.missingBytes)));
    const file = openSync(this.path, "a", 0o600);
    try {
      writeSync(file, step);
      if (this.missingBytes <= step.length) fsyncSync(file);
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
