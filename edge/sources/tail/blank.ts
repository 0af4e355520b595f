/**
 * Files that are longer than what was written: a writer asks for room first and fills it later (preallocated, written
 * through a map). Until then the room reads as zeros, and zeros at a file's end are no line. Zeros with something after
 * them are: a writer that does not append leaves such a hole behind a truncation.
 */
import { readSync } from "node:fs";

const blockBytes = 256 * 1024;
/** So much is looked at in one go; more with the next turn, so that others get theirs. */
const blocksMax = 64;
const block = Buffer.alloc(blockBytes);

/** How long the bytes are without the zeros at their end. */
export function lengthOfText(bytes: Buffer, from: number, to: number): number {
  let end = to;
  // Zeros by the block are compared faster than one by one.
  while (end - from >= blockBytes && bytes.compare(zeros, 0, blockBytes, end - blockBytes, end) === 0)
    end -= blockBytes;
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}

/** What follows behind a place where zeros began. */
export type Ahead =
  | { readonly kind: "text"; readonly at: number }
  /** Zeros up to the end of the file. */
  | { readonly kind: "blank"; readonly to: number }
  /** Zeros as far as was looked. */
  | { readonly kind: "more"; readonly to: number };

/** Looks for the first byte from a place on that is no zero. */
export function lookAhead(fd: number, from: number): Ahead {
  let at = from;
  for (let turn = 0; turn < blocksMax; turn++) {
    const read = readSync(fd, block, 0, blockBytes, at);
    if (read === 0) return { kind: "blank", to: at };
    const found = firstText(read);
    if (found < read) return { kind: "text", at: at + found };
    at += read;
  }
  return { kind: "more", to: at };
}

/** What a file begins with. */
export interface Beginning {
  /** Without room at its end that is not filled yet. */
  readonly bytes: Buffer;
  /** Zeros before this place have text after them. */
  readonly holeTo: number;
  /** From `blankFrom` to here there are only zeros. */
  readonly blankTo: number;
  /** Undefined: it does not end with such room, as far as was looked. */
  readonly blankFrom: number | undefined;
}

/** Tells what is in the first bytes of an open file. */
export function beginningOf(fd: number, bytes: Buffer): Beginning {
  const text = lengthOfText(bytes, 0, bytes.length);
  if (text === bytes.length) return { bytes, holeTo: 0, blankTo: 0, blankFrom: undefined };
  const ahead = lookAhead(fd, bytes.length);
  if (ahead.kind === "text") return { bytes, holeTo: ahead.at, blankTo: 0, blankFrom: undefined };
  return { bytes: bytes.subarray(0, text), holeTo: 0, blankTo: ahead.to, blankFrom: text };
}

/**
 * Where the text of a file ends whose size is `size`. Its last 16 MiB are looked at. Where these are zeros it has room
 * that is not filled yet: a writer fills it from the front, so the place is found by halving, whatever the size.
 */
export function endOfText(fd: number, size: number): number {
  let end = size;
  for (let turn = 0; end > 0 && turn < blocksMax; turn++) {
    const from = Math.max(0, end - blockBytes);
    const text = textAt(fd, from, end);
    if (text > 0) return from + text;
    end = from;
  }
  // There is text before `low`, or nothing is; from `high` on there is none.
  let [low, high] = [0, Math.ceil(end / blockBytes)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (textAt(fd, middle * blockBytes, (middle + 1) * blockBytes) > 0) low = middle + 1;
    else high = middle;
  }
  const last = Math.max(0, low - 1) * blockBytes;
  return low === 0 ? 0 : last + textAt(fd, last, last + blockBytes);
}

/** How long the text of one block is. */
function textAt(fd: number, from: number, to: number): number {
  const read = readSync(fd, block, 0, to - from, from);
  return firstText(read) === read ? 0 : lengthOfText(block, 0, read);
}

function firstText(length: number): number {
  if (block.compare(zeros, 0, length, 0, length) === 0) return length;
  let at = 0;
  while (block[at] === 0) at++;
  return at;
}

const zeros = Buffer.alloc(blockBytes);
