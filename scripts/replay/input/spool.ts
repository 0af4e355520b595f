import { appendFileSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NumberedLines } from "../proof/numbered-lines.ts";

/** A spool directory as a program fills it: each file is written under a hidden name and renamed when it is complete. */
export class Spool {
  /** Lines put in so far: the next one's number. */
  written = 0;
  /** Names of the files put in so far. */
  readonly files: string[] = [];

  constructor(
    readonly path: string,
    readonly lines: NumberedLines,
  ) {
    mkdirSync(path);
  }

  /** Puts in a complete file of so many lines. Answers its path. */
  put(count: number): string {
    const name = `report-${String(this.files.length).padStart(4, "0")}.log`;
    const growing = join(this.path, `.${name}`);
    writeFileSync(growing, this.lines.block(this.written, this.written + count));
    renameSync(growing, join(this.path, name));
    this.written += count;
    this.files.push(name);
    return join(this.path, name);
  }

  /** Goes on writing into a file that was said to be complete. These lines are not to be expected anywhere. */
  appendTo(path: string, text: string): void {
    appendFileSync(path, text);
  }

  /** What lies in it now. */
  names(): readonly string[] {
    return readdirSync(this.path).sort();
  }
}
