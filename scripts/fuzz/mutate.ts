/** Makes inputs that are almost right: what a parser gets past its first check with. */
import type { Random } from "../../shared/random/random.ts";

/** A whole number from 0 to `below` - 1. */
export function pick(random: Random, below: number): number {
  return Math.floor(random.next() * below);
}

/** One of them. */
export function oneOf<T>(random: Random, items: readonly T[]): T {
  const item = items[pick(random, items.length)];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
}

const oddBytes = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
const oddNumbers = [0, 1, -1, 2, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x7fffffff, -0x80000000, 0x00ffffff];

/** A copy of one of the seeds, changed in one to eight places. */
export function mutateBytes(random: Random, seeds: readonly Buffer[]): Buffer {
  let bytes: Buffer = Buffer.from(oneOf(random, seeds));
  for (let left = 1 + pick(random, 8); left > 0; left--) bytes = changeBytes(random, bytes, seeds);
  return bytes;
}

function changeBytes(random: Random, bytes: Buffer, seeds: readonly Buffer[]): Buffer {
  const at = pick(random, bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + pick(random, 16));
  switch (pick(random, 9)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(random, 8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = oneOf(random, oddBytes);
      return bytes;
    case 2:
      if (at + 4 <= bytes.length) bytes.writeInt32BE(oneOf(random, oddNumbers) | 0, at);
      return bytes;
    case 3:
      if (at + 2 <= bytes.length) bytes.writeUInt16BE(oneOf(random, oddNumbers) & 0xffff, at);
      return bytes;
    case 4:
      return bytes.subarray(0, at);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 6:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 7: {
      const other = oneOf(random, seeds);
      const from = pick(random, other.length + 1);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + pick(random, 64))]);
    }
    default: {
      const noise = Buffer.from(Array.from({ length: 1 + pick(random, 24) }, () => pick(random, 256)));
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }
  }
}

const oddWords = [
  "",
  " ",
  "\t",
  "\0",
  "\u202e",
  "\ud800",
  "é",
  "%00",
  "%",
  "../",
  "null",
  "true",
  "-1",
  "0",
  "9".repeat(30),
  "1e309",
  "NaN",
  "[",
  "{",
  "}",
  "]",
  ":",
  "&a",
  "*a",
  "<<: *a",
  "!!binary x",
  "---\n",
  "\n",
  "${",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the words of a config
  "${A}",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the words of a config
  "${file:/nowhere}",
  "%{kind}",
  "@",
  "!",
  "/",
  "x".repeat(5_000),
];

/** A copy of one of the seeds, changed in one to six places; `words` belong to the language of the input. */
export function mutateText(random: Random, seeds: readonly string[], words: readonly string[] = []): string {
  let text = oneOf(random, seeds);
  for (let left = 1 + pick(random, 6); left > 0; left--) {
    const at = pick(random, text.length + 1);
    const end = at + pick(random, 12);
    const word = oneOf(random, random.next() < 0.5 && words.length > 0 ? words : oddWords);
    switch (pick(random, 4)) {
      case 0:
        text = text.slice(0, at) + word + text.slice(at);
        break;
      case 1:
        text = text.slice(0, at) + word + text.slice(end);
        break;
      case 2:
        text = text.slice(0, at) + text.slice(end);
        break;
      default: {
        const lines = text.split("\n");
        const line = oneOf(random, lines);
        lines.splice(pick(random, lines.length + 1), pick(random, 2), line);
        text = lines.join("\n");
      }
    }
  }
  return text.slice(0, 200_000);
}
