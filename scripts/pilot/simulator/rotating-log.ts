/**
 * A log file as loggers keep it: appended to, rotated by `rename` (log → log.1 → log.2 …) or by `copytruncate` (copied
 * to log.1, then cut to nothing), the oldest deleted. It knows which line it wrote last, also after it was killed.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

/** How the file is kept. */
export interface RotatingLogOptions {
  readonly path: string;
  readonly rotate: "rename" | "copytruncate";
  /** A new file begins after this many lines. */
  readonly linesMax: number;
  /** Rotated files that are kept. */
  readonly keep: number;
  /** Told about each rotation. */
  readonly onRotated?: (file: { firstLine: number; lastLine: number; bytes: number }) => void;
}

/** The writer. */
export class RotatingLog {
  private fd: number;
  private lines = 0;
  private bytes = 0;
  private firstLine: number | undefined;
  /** Number of the last complete line found in the file when it was opened; -1 when there is none. */
  readonly lastLineFound: number;

  constructor(private readonly options: RotatingLogOptions) {
    mkdirSync(dirname(options.path), { recursive: true });
    this.fd = openSync(options.path, "a+");
    this.bytes = fstatSync(this.fd).size;
    this.lastLineFound = this.recover();
  }

  /** How many of the next lines still go into this file. */
  get room(): number {
    return this.options.linesMax - this.lines;
  }

  /** Appends lines `firstLine` to `lastLine`, all at once, and rotates when the file is full. */
  append(bytes: Buffer, firstLine: number, lastLine: number): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    this.firstLine ??= firstLine;
    this.lines += lastLine - firstLine + 1;
    this.bytes += bytes.length;
    if (this.lines >= this.options.linesMax) this.rotate(lastLine);
  }

  /** Ends the file here and begins the next. */
  rotate(lastLine: number): void {
    const { path, keep, rotate } = this.options;
    this.options.onRotated?.({ firstLine: this.firstLine ?? lastLine, lastLine, bytes: this.bytes });
    // Only the files up to the first hole move: what somebody deleted stays deleted.
    let count = 0;
    while (existsSync(`${path}.${count + 1}`)) count++;
    for (let index = count; index >= 1; index--) {
      if (index >= keep) rmSync(`${path}.${index}`);
      else renameSync(`${path}.${index}`, `${path}.${index + 1}`);
    }
    if (rotate === "copytruncate") {
      if (keep > 0) copyFileSync(path, `${path}.1`);
      ftruncateSync(this.fd, 0);
    } else {
      if (keep > 0) renameSync(path, `${path}.1`);
      else rmSync(path);
      closeSync(this.fd);
      this.fd = openSync(path, "a+");
    }
    this.lines = 0;
    this.bytes = 0;
    this.firstLine = undefined;
  }

  close(): void {
    closeSync(this.fd);
  }

  private recover(): number {
    const tail = Buffer.alloc(Math.min(this.bytes, 256 * 1024));
    readSync(this.fd, tail, 0, tail.length, this.bytes - tail.length);
    if (tail.length > 0 && tail[tail.length - 1] !== 0x0a) {
      // Killed in the middle of a line: a logger cannot take it back. It is ended here and becomes garbage.
      this.bytes += writeSync(this.fd, "\n");
    }
    const complete = tail.subarray(0, tail.lastIndexOf(0x0a) + 1).toString("latin1");
    const numbers = [...complete.matchAll(/^\{"line":(\d+),.*\}$/gm)];
    const last = Number(numbers.at(-1)?.[1] ?? -1);
    if (last >= 0) {
      this.firstLine = last;
      this.lines = 1;
    }
    return last;
  }
}
