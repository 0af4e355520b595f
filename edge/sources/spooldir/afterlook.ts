import { closeSync, fstatSync } from "node:fs";
import type { SpoolFile } from "./spool-file.ts";

/** So many files are looked at after they are done, each for so long. */
const filesMax = 64;
const watchMs = 60_000;

interface Watched {
  readonly fd: number;
  readonly file: SpoolFile;
  readonly untilMs: number;
  /** It was said that it was written; so many bytes of it. */
  saidBytes: number | undefined;
}

/**
 * Looks at files for a while after they are done: a program that went on writing wrote what nobody reads. The file has
 * another name by then, or none, so it is held by its descriptor. What is seen first is said at once; whatever comes after
 * that, when the look ends: until then nobody knows how much it is.
 */
export class Afterlook {
  private watched: Watched[] = [];

  /**
   * @param onWritten called for a file that was written after it was done, with the bytes that came since the last call,
   * and with all of them.
   */
  constructor(private readonly onWritten: (file: SpoolFile, bytes: number, allBytes: number) => void) {}

  /** Takes the descriptor over. */
  add(fd: number, file: SpoolFile, nowMs: number): void {
    this.watched.push({ fd, file, untilMs: nowMs + watchMs, saidBytes: undefined });
    while (this.watched.length > filesMax) this.end(this.watched.shift());
  }

  has(file: SpoolFile): boolean {
    return this.watched.some((each) => each.file === file);
  }

  look(nowMs: number): void {
    this.watched = this.watched.filter((each) => {
      if (nowMs >= each.untilMs) {
        this.end(each);
        return false;
      }
      if (each.saidBytes === undefined) this.compare(each);
      return true;
    });
  }

  close(): void {
    for (const each of this.watched) this.end(each);
    this.watched = [];
  }

  private compare(each: Watched): void {
    const bytes = Number(fstatSync(each.fd, { bigint: true }).size) - each.file.identity.size;
    const said = each.saidBytes;
    if (said === undefined ? bytes === 0 : bytes <= said) return;
    each.saidBytes = Math.max(0, bytes);
    this.onWritten(each.file, each.saidBytes - (said ?? 0), each.saidBytes);
  }

  private end(each: Watched | undefined): void {
    if (each === undefined) return;
    this.compare(each);
    closeSync(each.fd);
  }
}
