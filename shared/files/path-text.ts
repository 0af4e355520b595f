/**
 * Names of files are bytes, and not always UTF-8. Here they are texts all the same: a byte that is no part of valid
 * UTF-8 stands as the character U+DC00 + byte, which no valid UTF-8 can yield, so every name has one text and every text
 * its bytes again. `JSON.stringify` writes such a character as an escape, so these texts can be stored.
 */
import { readdirSync } from "node:fs";

/** A path as `node:fs` wants it: the text itself, or bytes where the text stands for bytes that are not UTF-8. */
export function systemPath(text: string): string | Buffer {
  return holdsBytes.test(text) ? bytesOf(text) : text;
}

/** The text of a name or a path. */
export function textOf(bytes: Buffer): string {
  const plain = bytes.toString("utf8");
  // Only a name that holds the replacement character may have been changed by reading it.
  if (!plain.includes("\u{fffd}") || Buffer.from(plain).equals(bytes)) return plain;
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    text += length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString("utf8", at, at + length);
    at += Math.max(1, length);
  }
  return text;
}

/** The path of a name in a folder. The functions of `node:path` would change what is no valid text. */
export function childOf(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** The folder of an absolute path. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** The last part of an absolute path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The names in a folder, in the system's order. @throws the system's error. */
export function namesIn(folder: string): readonly string[] {
  const names = readdirSync(systemPath(folder));
  if (!names.some((name) => name.includes("\u{fffd}"))) return names;
  return readdirSync(systemPath(folder), { encoding: "buffer" }).map(textOf);
}

/** For people: bytes that are no text and control characters as `\xff`, so that no name can draw on a terminal. */
export function shownPath(text: string): string {
  return text.replaceAll(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xff && (code < 0xdc80 || code > 0xdcff)
      ? `\\u{${code.toString(16)}}`
      : `\\x${(code & 0xff).toString(16).padStart(2, "0")}`;
  });
}

function bytesOf(text: string): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isByte(text, at)) continue;
    parts.push(Buffer.from(text.slice(from, at)), Buffer.from([text.charCodeAt(at) - 0xdc00]));
    from = at + 1;
  }
  parts.push(Buffer.from(text.slice(from)));
  return Buffer.concat(parts);
}

function isByte(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0xdc80 || code > 0xdcff) return false;
  const before = at === 0 ? 0 : text.charCodeAt(at - 1);
  return before < 0xd800 || before > 0xdbff;
}

/** How long the character at `at` is in bytes; 0: none begins there. */
function sequenceLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    const part = bytes.subarray(at, at + length);
    const text = part.toString("utf8");
    if ([...text].length === 1 && Buffer.from(text).equals(part)) return length;
  }
  return 0;
}

const holdsBytes = /[\udc80-\udcff]/;
// Controls (C0, DEL, C1), marks that turn the direction of writing, and lone surrogates.
const unprintable = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
