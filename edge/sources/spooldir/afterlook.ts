import { closeSync, fstatSync } from "node:fs";
import type { SpoolFile } from "./spool-file.ts";

/** So many files are looked at after they are done, each for so long. */
const filesMax = 64;
const watchMs = 60_000;

interface Watched {
  readonly fd: number;
  readonly file: SpoolFile;
  readonly untilMs: number;
}

/**
 * Looks at files for a while after they are done: a program that went on writing wrote what nobody reads. The file has
 * another name by then, or none, so it is held by its descriptor.
 */
export class Afterlook {
  private watched: Watched[] = [];

  /** @param onWritten called once for a file that was written after it was done, with the bytes that came. */
  constructor(private readonly onWritten: (file: SpoolFile, bytes: number) => void) {}

  /** Takes the descriptor over. */
  add(fd: number, file: SpoolFile, nowMs: number): void {
    this.watched.push({ fd, file, untilMs: nowMs + watchMs });
    while (this.watched.length > filesMax) this.end(this.watched.shift());
  }

  look(nowMs: number): void {
    this.watched = this.watched.filter((each) => {
      const bytes = Number(fstatSync(each.fd, { bigint: true }).size) - each.file.identity.size;
      if (bytes !== 0) this.onWritten(each.file, Math.max(0, bytes));
      if (bytes === 0 && nowMs < each.untilMs) return true;
      this.end(each);
      return false;
    });
  }

  close(): void {
    for (const each of this.watched) this.end(each);
    this.watched = [];
  }

  private end(each: Watched | undefined): void {
    if (each !== undefined) closeSync(each.fd);
  }
}
