/**
 * Takes a field out of a JSON line, or puts another value in its place, without writing the rest anew: parsing and
 * printing would change numbers that a double does not hold, the order of names, and spaces.
 */
import { findAgain, findField, isSpace, type Span, scalarAt, skipSpace } from "./json-field.ts";

const span: Span = { memberStart: 0, valueStart: 0, valueEnd: 0 };
const comma = 44;

/** The text without the field, each time it comes; the same text when it has no such field. */
export function withoutField(text: string, names: readonly string[]): string {
  let left = text;
  while (findField(left, names, span)) left = cut(left, span);
  return left;
}

/** With the comma that stood with it. */
function cut(text: string, { memberStart, valueEnd }: Span): string {
  const next = skipSpace(text, valueEnd);
  if (text.charCodeAt(next) === comma) return text.slice(0, memberStart) + text.slice(skipSpace(text, next + 1));
  const before = beforeSpace(text, memberStart);
  const start = text.charCodeAt(before - 1) === comma ? before - 1 : memberStart;
  return text.slice(0, start) + text.slice(valueEnd);
}

/**
 * The text with another value in the field's place, each time it comes: `change` is given the value's text (a string
 * unquoted, everything else as written) and answers the new value as a string, which is quoted here. Null stays.
 */
export function withValue(text: string, names: readonly string[], change: (value: string) => string): string {
  if (!findField(text, names, span)) return text;
  const last = names.at(-1) ?? "";
  let done = "";
  let from = 0;
  do {
    const { valueStart, valueEnd } = span;
    const written = text.slice(valueStart, valueEnd);
    const value = written === "null" ? undefined : (scalarAt(text, valueStart) ?? written);
    done += text.slice(from, valueStart) + (value === undefined ? written : JSON.stringify(change(value)));
    from = valueEnd;
  } while (findAgain(text, last, span));
  return done + text.slice(from);
}

function beforeSpace(text: string, at: number): number {
  let end = at;
  while (isSpace(text.charCodeAt(end - 1))) end--;
  return end;
}
