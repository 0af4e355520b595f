/**
 * A file in the grammar of java.util.Properties, with the place of every key and value. The grammar is npm
 * `dot-properties`; this file adds what it leaves open, so that a file means here what it means to Java:
 *
 * - Line ends are made one kind first. A line's end is behind everything that has a place, so places stay right.
 * - A `\u` that is not followed by four hexadecimal digits ends the reading in Java: it is a mistake here.
 * - Java has one value a key, the last one. All are kept here, so that somebody can say so.
 */
import { parseLines } from "dot-properties";
import type { Problem } from "../config/problem.ts";

/** Line and column, from 1. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** One `key = value`; escapes are undone, white space around the value is not taken away. */
export interface Property {
  readonly key: string;
  readonly value: string;
  readonly keyAt: LineColumn;
  readonly valueAt: LineColumn;
}

/** What a file holds, in its order, and what of it no reader can make sense of. */
export interface PropertiesFile {
  readonly properties: readonly Property[];
  readonly mistakes: readonly Problem[];
  /** What is read all the same, and should be known. */
  readonly doubts: readonly Problem[];
}

/** Reads the bytes of a file. They are UTF-8; a comment may hold any bytes, as comments of other encodings do. */
export function readProperties(file: string, bytes: Buffer): PropertiesFile {
  const mistakes: Problem[] = [];
  const doubts: Problem[] = [];
  const say = (to: Problem[], at: LineColumn, message: string, hint?: string) =>
    to.push({ file, ...at, key: "", message, hint });
  const start = { line: 1, column: 1 };
  if (isUtf16(bytes)) {
    say(mistakes, start, "the file is UTF-16", "save it as UTF-8");
    return { properties: [], mistakes, doubts };
  }
  let text = bytes.toString("utf8");
  if (text.startsWith(byteOrderMark)) {
    text = text.slice(1);
    say(
      doubts,
      start,
      "begins with a byte order mark, which Flume takes for a part of the first key",
      "save it without",
    );
  }
  text = text.replaceAll(/\r\n?/g, "\n");
  const placeOf = places(text);
  const properties: Property[] = [];
  for (const node of parseLines(text, true)) {
    if (!isPair(node)) continue;
    const [keyStart, keyEnd, valueStart, valueEnd] = node.range;
    const keyAt = placeOf(keyStart);
    const valueAt = placeOf(valueStart);
    const raw = text.slice(keyStart, Math.max(keyEnd, valueEnd));
    if (/(?:^|[^\\])(?:\\\\)*\\u(?![0-9a-fA-F]{4})/.test(raw)) {
      say(mistakes, keyAt, "a \\u without its four hexadecimal digits", "Java does not read such a file at all");
    }
    if (raw.includes(replacement)) {
      say(mistakes, keyAt, "bytes that are not UTF-8 (only comments may hold them)", "save the file as UTF-8");
    }
    const [, escaped] = /(?:^|[^\\])(?:\\\\)*\\([dDwWsSbB.()[\]{}*+?|^])/.exec(raw) ?? [];
    if (escaped !== undefined) {
      const hint = `write \\\\${escaped} for the expression \\${escaped}`;
      say(doubts, valueAt, `the backslash before "${escaped}" is taken away when the file is read`, hint);
    }
    properties.push({ key: node.key, value: node.value, keyAt, valueAt });
  }
  return { properties, mistakes, doubts };
}

const byteOrderMark = "\ufeff";
/** What stands where bytes were no UTF-8. */
const replacement = "\ufffd";

/** Every second byte of a text in Latin letters is zero. */
function isUtf16(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 2).toString("latin1");
  return head === "\xff\xfe" || head === "\xfe\xff" || bytes.subarray(0, 200).includes(0);
}

function isPair(node: object): node is {
  readonly key: string;
  readonly value: string;
  readonly range: readonly [number, number, number, number];
} {
  return "key" in node;
}

/** Offsets to places; offsets are asked for in ascending order of lines mostly, so a search by halves is quick enough. */
function places(text: string): (offset: number) => LineColumn {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
