import { closeSync, copyFileSync, existsSync, openSync, renameSync, rmSync, truncateSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { NumberedLines } from "../proof/numbered-lines.ts";

/** A log file as a program writes it: appended to through one descriptor, and rotated. Line numbers go on across all. */
export class LogFile implements Disposable {
  /** Lines written so far: the next one's number. */
  written = 0;
  private descriptor: number | undefined;
  private generation = 0;

  constructor(
    readonly path: string,
    readonly lines: NumberedLines,
  ) {}

  /** Appends whole lines, in one write. */
  write(count: number): void {
    const block = this.lines.block(this.written, this.written + count);
    this.writeBytes(block);
    this.written += count;
  }

  /** Appends bytes that are no numbered lines, or halves of them. */
  writeBytes(bytes: Buffer): void {
    this.descriptor ??= openSync(this.path, "a");
    let at = 0;
    while (at < bytes.length) at += writeSync(this.descriptor, bytes, at);
  }

  /** logrotate's `create`: the file gets another name, the next line begins a new one. Answers the other name. */
  rename(): string {
    this.close();
    const name = this.nextName();
    renameSync(this.path, name);
    return name;
  }

  /** Renamed, but the writer has not noticed: it goes on writing into the old file until `reopen`. Answers the other name. */
  renameUnnoticed(): string {
    const name = this.nextName();
    renameSync(this.path, name);
    return name;
  }

  /** The writer opens the file by its name again. */
  reopen(): void {
    this.close();
  }

  /** logrotate's `copytruncate`: a copy is kept, the file itself is emptied in place. Answers the copy's name. */
  copyTruncate(): string {
    const name = this.nextName();
    copyFileSync(this.path, name);
    truncateSync(this.path);
    return name;
  }

  /** Deletes the file; the next line begins a new one. */
  delete(): void {
    this.close();
    if (existsSync(this.path)) rmSync(this.path);
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Makes place for `.1`, as logrotate does: every rotated file gets the next higher number. */
  private nextName(): string {
    const name = (generation: number) => join(dirname(this.path), `${basename(this.path)}.${generation}`);
    for (let generation = this.generation; generation > 0; generation--) {
      // The oldest may have been deleted meanwhile.
      if (existsSync(name(generation))) renameSync(name(generation), name(generation + 1));
    }
    this.generation++;
    return name(1);
  }
}
