/**
 * Keys and header values of any bytes as texts, and back, with no byte lost. UTF-8 is the text that it is. A byte that is no
 * UTF-8 becomes one of the 128 code units from U+DC80 to U+DCFF, each alone: no UTF-8 reads as one of these. So two keys are
 * never one text, and what is written again is what was read (Python calls it surrogateescape, PEP 383).
 */
import { isUtf8 } from "node:buffer";

const escapedFrom = 0xdc00;

/** The text of some bytes; `bytesOfText` has them back. */
export function textOfBytes(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString("utf8") : escaped(bytes);
}

/** The bytes of a text: UTF-8, and bytes as `textOfBytes` has written them down. */
export function bytesOfText(text: string): Buffer {
  return text.isWellFormed() ? Buffer.from(text, "utf8") : unescaped(text);
}

function escaped(bytes: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    parts.push(
      length === 0 ? String.fromCharCode(escapedFrom + (bytes[at] ?? 0)) : bytes.toString("utf8", at, at + length),
    );
    at += Math.max(1, length);
  }
  return parts.join("");
}

/** How many bytes the character takes that begins there; 0: there is none. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

function unescaped(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.charCodeAt(0);
    const isEscaped = character.length === 1 && code >= escapedFrom + 0x80 && code <= escapedFrom + 0xff;
    parts.push(isEscaped ? Buffer.from([code - escapedFrom]) : Buffer.from(character, "utf8"));
  }
  return Buffer.concat(parts);
}
