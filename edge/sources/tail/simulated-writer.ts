/**
 * A program that writes a log and a rotator that mistreats it, both driven by a seed, for the simulation test. Lines are
 * numbered; for each line it is known whether it may be lost (its only copy was removed before it was committed).
 */
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import type { Random } from "../../../shared/random/random.ts";

/** One log with its rotated files. */
export class SimulatedWriter {
  /** All lines written, in order. */
  readonly lines: string[] = [];
  /** Lines that somebody else wrote into files that were rotated and truncated. */
  readonly lateLines: string[] = [];
  /** Lines whose last copy was removed before they were committed. */
  readonly mayBeLost = new Set<string>();

  private fd: number;
  private half = "";
  /** Which lines stand in which file; by the file's name now. */
  private contents = new Map<string, string[]>();
  /** Names of files that were the log; and whether they were truncated since. */
  private renamed = new Map<string, boolean>();
  private readonly generationsMax = 12;

  constructor(
    readonly path: string,
    private readonly label: string,
    private readonly random: Random,
    private readonly isCommitted: (line: string) => boolean,
  ) {
    this.fd = openSync(path, "a");
    this.contents.set(path, []);
  }

  /** A few lines, sometimes the beginning of one more. */
  append(): void {
    this.finishLine();
    let text = "";
    for (let count = this.pick(12); count > 0; count--) text += `${this.nextLine()}\n`;
    if (this.random.next() < 0.3) {
      const line = this.nextLine();
      const cut = 1 + this.pick(line.length - 1);
      text += line.slice(0, cut);
      this.half = `${line.slice(cut)}\n`;
    }
    writeSync(this.fd, text);
  }

  /** Writes what is missing of a half line, into whatever file the writer has open. */
  finishLine(): void {
    if (this.half === "") return;
    writeSync(this.fd, this.half);
    this.half = "";
  }

  /** logrotate's way: rename, then the writer opens the new file; before that it may write to the old one. */
  rotateByRename(): void {
    this.shift();
    renameSync(this.path, `${this.path}.1`);
    this.contents.set(`${this.path}.1`, this.contents.get(this.path) ?? []);
    this.contents.set(this.path, []);
    this.renamed.set(`${this.path}.1`, false);
    const late = this.random.next() < 0.4;
    if (late) this.contents.set(this.path, this.contents.get(`${this.path}.1`) ?? []);
    if (late) this.append();
    this.finishLine();
    this.contents.set(this.path, []);
    closeSync(this.fd);
    this.fd = openSync(this.path, "a");
  }

  /** logrotate's `copytruncate`. */
  rotateByCopy(): void {
    this.finishLine();
    if (statSync(this.path).size === 0) return;
    this.shift();
    copyFileSync(this.path, `${this.path}.1`);
    this.contents.set(`${this.path}.1`, this.contents.get(this.path) ?? []);
    truncateSync(this.path);
    this.contents.set(this.path, []);
  }

  /** Emptied without a copy, and written on. */
  truncate(): void {
    this.finishLine();
    this.lose(this.path);
    truncateSync(this.path);
    this.contents.set(this.path, []);
    if (this.random.next() < 0.5) this.append();
  }

  /** Somebody truncates a file that was the log, and goes on writing into it, in the same moment or later. */
  refill(): void {
    const [path, isTruncated] = [...this.renamed][this.pick(this.renamed.size)] ?? [];
    if (path === undefined) return;
    // What is only written to would seem to be a younger generation than it is.
    if (!isTruncated || this.random.next() < 0.5) {
      this.renamed.set(path, true);
      this.lose(path);
      truncateSync(path);
      this.contents.set(path, []);
    }
    let text = "";
    for (let count = this.pick(12); count > 0; count--) {
      const line = `${this.label}late ${this.lateLines.length} ${"x".repeat(this.pick(80))}.`;
      this.lateLines.push(line);
      this.contents.get(path)?.push(line);
      text += `${line}\n`;
    }
    appendFileSync(path, text);
  }

  /** Removed and made anew; file systems like to give the new one the old inode. */
  replace(): void {
    this.finishLine();
    this.lose(this.path);
    rmSync(this.path);
    closeSync(this.fd);
    this.fd = openSync(this.path, "a");
    this.contents.set(this.path, []);
  }

  close(): void {
    this.finishLine();
    closeSync(this.fd);
  }

  private shift(): void {
    const renamed = new Map<string, boolean>();
    for (let number = this.generationsMax; number >= 1; number--) {
      const from = `${this.path}.${number}`;
      if (!existsSync(from)) continue;
      if (number === this.generationsMax) {
        this.lose(from);
        rmSync(from);
      } else {
        renameSync(from, `${this.path}.${number + 1}`);
        this.contents.set(`${this.path}.${number + 1}`, this.contents.get(from) ?? []);
        const isTruncated = this.renamed.get(from);
        if (isTruncated !== undefined) renamed.set(`${this.path}.${number + 1}`, isTruncated);
      }
    }
    this.renamed = renamed;
  }

  private lose(path: string): void {
    for (const line of this.contents.get(path) ?? []) if (!this.isCommitted(line)) this.mayBeLost.add(line);
  }

  private nextLine(): string {
    const line = `${this.label} ${this.lines.length} ${"x".repeat(this.pick(80))}.`;
    this.lines.push(line);
    this.contents.get(this.path)?.push(line);
    return line;
  }

  private pick(below: number): number {
    return Math.floor(this.random.next() * below);
  }
}
