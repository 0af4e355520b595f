/**
 * Reads whole a small file that somebody names: a config, a secret, a certificate, what another program left. Whatever
 * stands at the path, the answer comes: a regular file is read up to a bound, all else is refused in words. A FIFO or a
 * device that is opened in the usual way may wait for ever, and with it everything else this process does.
 *
 * A pipe is what `<(sops -d config.yaml)` and `/dev/stdin` name. What comes out of one comes once, so it is read at the
 * start, where nothing else waits for us, and refused at a reload.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { formatByteSize } from "../config/byte-size.ts";
import { kindOf } from "./open-regular.ts";
import { shownPath, systemPath } from "./path-text.ts";
import { FileRefused, systemCode } from "./refusal.ts";

/** Whether what a pipe holds is waited for. */
export type Pipes = "wait" | "refuse";

/** What is asked of a file. */
export interface NamedFileRules {
  /** One that holds more is none of the kind that is meant. */
  readonly bytesMax: number;
  /** Terminals are pipes too. Left out: as `withPipes` says, and outside of it they are waited for. */
  readonly pipes?: Pipes;
  /** How long nothing may come out of a pipe: long enough for whoever types a passphrase to what fills it. */
  readonly silenceMaxMs?: number;
}

/** Far above any config and any list of certificates. */
export const textBytesMax = 16 * 1024 * 1024;

const silenceMaxMs = 60_000;
/** From then on whoever started us wonders what we wait for. */
const quietMs = 1_000;
const lookEveryMs = 5;
const chunkBytes = 64 * 1024;

let current: Pipes = "wait";

/** Runs `read`, and what it reads without a word on pipes treats them so. Synchronous: nothing else can run in between. */
export function withPipes<T>(pipes: Pipes, read: () => T): T {
  const before = current;
  current = pipes;
  try {
    return read();
  } finally {
    current = before;
  }
}

/** The same as a text. */
export function readNamedText(path: string, rules: NamedFileRules): string {
  return readNamed(path, rules).toString("utf8");
}

/** @throws the system's error; FileRefused for what is no file, or holds too much. */
export function readNamed(path: string, rules: NamedFileRules): Buffer {
  const { pipes = current } = rules;
  // Looked at before it is opened, since opening a device may do something; and after, since it may be another one by then.
  judge(path, statSync(systemPath(path)), pipes);
  const fd = openSync(systemPath(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    judge(path, stat, pipes);
    if (stat.isFile() && stat.size > rules.bytesMax) throw tooLarge(path, rules);
    return readAll(fd, path, stat, rules);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, path: string, stat: Stats, rules: NamedFileRules): Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const patience = new Patience(path, rules.silenceMaxMs ?? silenceMaxMs);
  // The end of a pipe that has no name is the end; at one that has, the first writer may be still to come.
  const opensLater = stat.isFIFO() && !readlinkSync(`/proc/self/fd/${fd}`).startsWith("pipe:");
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const read = readSome(fd, chunk);
    if (read === undefined && stat.isFile()) throw new FileRefused(path, "a file whose content only comes by and by");
    if (read === undefined || (read === 0 && bytes === 0 && opensLater)) {
      patience.wait();
      continue;
    }
    if (read === 0) return Buffer.concat(chunks, bytes);
    patience.heard();
    chunks.push(chunk.subarray(0, read));
    bytes += read;
    if (bytes > rules.bytesMax) throw tooLarge(path, rules);
  }
}

/** Undefined: nothing is there yet, and somebody may still write. */
function readSome(fd: number, into: Buffer): number | undefined {
  try {
    return readSync(fd, into, 0, into.length, null);
  } catch (thrown) {
    if (systemCode(thrown) === "EAGAIN") return undefined;
    throw thrown;
  }
}

class Patience {
  private since = performance.now();
  private isTold = false;

  constructor(
    private readonly path: string,
    private readonly silenceMaxMs: number,
  ) {}

  heard(): void {
    this.since = performance.now();
  }

  wait(): void {
    const silentMs = performance.now() - this.since;
    const seconds = Math.round(this.silenceMaxMs / 1_000);
    if (silentMs >= quietMs && !this.isTold) {
      this.isTold = true;
      tell(
        `nothing has come out of ${shownPath(this.path)} yet, which is a pipe: it is waited for, ${seconds} s at most`,
      );
    }
    if (silentMs >= this.silenceMaxMs) {
      throw new FileRefused(this.path, `a pipe that nothing came out of for ${seconds} s`, "does its writer run?");
    }
    Bun.sleepSync(lookEveryMs);
  }
}

/** Nothing is read yet that would say where to log, and the thread waits: straight to standard error, if that takes it. */
function tell(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch (thrown) {
    if (systemCode(thrown) === undefined) throw thrown;
  }
}

function judge(path: string, stat: Stats, pipes: Pipes): void {
  if (stat.isFile()) return;
  const isPipe = stat.isFIFO() || isTerminal(stat);
  if (isPipe && pipes === "wait") return;
  if (isPipe) {
    const reason = `${kindOf(stat)}, and what comes out of one comes once: it is read at the start alone`;
    throw new FileRefused(path, reason, "name a regular file; or start anew");
  }
  throw new FileRefused(path, kindOf(stat), stat.isDirectory() ? "name the file in it" : "name a regular file");
}

/** By the numbers of terminals, consoles and serial lines (Linux, devices.txt): 4 and 5, and 136 to 143 for those of programs. */
function isTerminal(stat: Stats): boolean {
  const major = (stat.rdev >> 8) & 0xfff;
  return stat.isCharacterDevice() && (major === 4 || major === 5 || (major >= 136 && major <= 143));
}

function tooLarge(path: string, { bytesMax }: NamedFileRules): FileRefused {
  return new FileRefused(path, `larger than ${formatByteSize(bytesMax)}`, "is it the file that you mean?");
}
