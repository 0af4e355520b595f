import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { codes } from "../../drivers/codes.ts";

/** A wall clock that a test sets, for processes that are started with its `env`. True until it is set. */
export class FalseClock implements Disposable {
  readonly env: Readonly<Record<string, string>>;

  constructor(
    private readonly folder: Disposable,
    library: string,
    private readonly shiftPath: string,
  ) {
    this.env = { LD_PRELOAD: library, FALSE_CLOCK: shiftPath };
    this.shift(0);
  }

  /** The clock is this many seconds ahead of the true time from now on; negative: behind. Counts at once everywhere. */
  shift(seconds: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(seconds)));
    // Written in place: running processes have the file mapped.
    const descriptor = openSync(this.shiftPath, constants.O_WRONLY | constants.O_CREAT);
    writeSync(descriptor, bytes, 0, bytes.length, 0);
    closeSync(descriptor);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

/**
 * Compiles the library (`false-clock.c`) and makes a clock.
 *
 * @throws AppError `TOOL_MISSING` when there is no C compiler.
 */
export async function falseClock(): Promise<FalseClock> {
  if (Bun.which("gcc") === null) {
    throw new AppError(codes.TOOL_MISSING, "compile the false clock: there is no `gcc` on the PATH", {
      hint: "Install it (Debian, Ubuntu: apt-get install gcc libc6-dev), or run `npm test` as root, which does.",
    });
  }
  const folder = tempDir("tailgate-clock-");
  const library = folder.file("false-clock.so");
  const source = join(import.meta.dir, "false-clock.c");
  const run = Bun.spawn(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-o", library, source], { stderr: "pipe" });
  const complaint = await run.stderr.text();
  if ((await run.exited) !== 0) throw new Error(`compile the false clock: ${complaint}`);
  return new FalseClock(folder, library, folder.file("shift"));
}
