/**
 * Finds one field of a JSON line without parsing the line: a key and a time are wanted of each line, and `JSON.parse`
 * of all of it costs more than everything else on the way to the disk.
 *
 * Lines are taken to be JSON; one that is not gives undefined or, when the broken part lies after the field, the field.
 * Of two fields of the same name the first counts.
 */

/** The text of the field at `path` (names from the outside in): strings unquoted, numbers and booleans as written. */
export type FieldReader = (text: string) => string | undefined;

/** Prepares the search for `a.b.c`; a dot inside a name is written `\.`. */
export function fieldReader(path: string): FieldReader {
  const names = splitPath(path);
  const needle = `${JSON.stringify(names[0])}:`;
  return (text) => {
    const start = skipSpace(text, 0);
    if (text.charCodeAt(start) !== openBrace) return undefined;
    const quick = names.length === 1 ? quickValue(text, start, needle) : -1;
    const at = quick >= 0 ? quick : valueAt(text, start, names);
    return at < 0 ? undefined : scalarAt(text, at);
  };
}

/** The names of a path. Exported for the config's check. */
export function splitPath(path: string): readonly string[] {
  return path.split(/(?<!\\)\./).map((name) => name.replaceAll("\\.", "."));
}

/** Where a member of an object stands in the text; one is used again and again, so that a search makes no object. */
export interface Span {
  /** Its name's opening quote. */
  memberStart: number;
  valueStart: number;
  /** After its value. */
  valueEnd: number;
}

/** Finds the field at the path; false when there is none, or when the line is no JSON up to the field's end. */
export function findField(text: string, names: readonly string[], span: Span): boolean {
  let value = skipSpace(text, 0);
  for (const name of names) {
    if (text.charCodeAt(value) !== openBrace || !findMember(text, skipSpace(text, value + 1), name, span)) return false;
    value = span.valueStart;
  }
  span.valueEnd = skipValue(text, span.valueStart);
  return span.valueEnd > span.valueStart;
}

/** The next member of that name in the object in which `span` stands: a name may come twice, and readers differ in which counts. */
export function findAgain(text: string, name: string, span: Span): boolean {
  const next = skipSpace(text, span.valueEnd);
  if (text.charCodeAt(next) !== comma || !findMember(text, skipSpace(text, next + 1), name, span)) return false;
  span.valueEnd = skipValue(text, span.valueStart);
  return span.valueEnd > span.valueStart;
}

const quote = 34;
const comma = 44;
const colon = 58;
const backslash = 92;
const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;

/**
 * Two native searches in place of a walk: the first `"name":` is the field, if no other object begins before it (then
 * it stands on the outer level) and the quote before it is no escaped one. Otherwise -1: walk.
 */
function quickValue(text: string, start: number, needle: string): number {
  const found = text.indexOf(needle, start + 1);
  if (found < 0 || text.lastIndexOf("{", found) !== start) return -1;
  const before = text.charCodeAt(found - 1);
  if (before !== comma && before !== openBrace && !isSpace(before)) return -1;
  return skipSpace(text, found + needle.length);
}

/** Where the value at the path begins in the object that begins at `at`; -1 when there is none. */
function valueAt(text: string, at: number, names: readonly string[]): number {
  let value = at;
  for (const name of names) {
    if (text.charCodeAt(value) !== openBrace) return -1;
    value = memberAt(text, value, name);
    if (value < 0) return -1;
  }
  return value;
}

const scratch: Span = { memberStart: 0, valueStart: 0, valueEnd: 0 };

function memberAt(text: string, object: number, name: string): number {
  return findMember(text, skipSpace(text, object + 1), name, scratch) ? scratch.valueStart : -1;
}

/** Among the members from the one whose name's quote stands at `from`. */
function findMember(text: string, from: number, name: string, span: Span): boolean {
  let at = from;
  while (text.charCodeAt(at) === quote) {
    const nameEnd = stringEnd(text, at);
    if (nameEnd < 0) return false;
    const colonAt = skipSpace(text, nameEnd);
    if (text.charCodeAt(colonAt) !== colon) return false;
    const value = skipSpace(text, colonAt + 1);
    if (unquote(text, at, nameEnd) === name) {
      span.memberStart = at;
      span.valueStart = value;
      return true;
    }
    const valueEnd = skipValue(text, value);
    if (valueEnd < 0) return false;
    at = skipSpace(text, valueEnd);
    if (text.charCodeAt(at) !== comma) return false;
    at = skipSpace(text, at + 1);
  }
  return false;
}

/** A string unquoted, a number or a boolean as written; undefined for null, objects and arrays. */
export function scalarAt(text: string, at: number): string | undefined {
  const first = text.charCodeAt(at);
  if (first === quote) {
    const end = stringEnd(text, at);
    return end < 0 ? undefined : unquote(text, at, end);
  }
  if (first === openBrace || first === openBracket) return undefined;
  const scalar = text.slice(at, scalarEnd(text, at));
  return scalar === "" || scalar === "null" ? undefined : scalar;
}

/** Behind the closing quote; -1 when there is none. */
function stringEnd(text: string, open: number): number {
  for (let from = open + 1; ; ) {
    const close = text.indexOf('"', from);
    if (close < 0) return -1;
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return close + 1;
    from = close + 1;
  }
}

function unquote(text: string, open: number, end: number): string | undefined {
  const inside = text.slice(open + 1, end - 1);
  if (!inside.includes("\\")) return inside;
  try {
    const parsed: unknown = JSON.parse(text.slice(open, end));
    return typeof parsed === "string" ? parsed : undefined;
  } catch (thrown) {
    // An escape that JSON does not know: not a JSON line, so it has no such field.
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return stringEnd(text, at);
  if (first !== openBrace && first !== openBracket) return scalarEnd(text, at);
  let depth = 0;
  for (let index = at; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) {
      const end = stringEnd(text, index);
      if (end < 0) return -1;
      index = end - 1;
    } else if (code === openBrace || code === openBracket) {
      depth++;
    } else if ((code === closeBrace || code === closeBracket) && --depth === 0) {
      return index + 1;
    }
  }
  return -1;
}

function scalarEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    if (code === comma || code === closeBrace || code === closeBracket || isSpace(code)) break;
    end++;
  }
  return end;
}

/** The first place from `at` on that is no white space. */
export function skipSpace(text: string, at: number): number {
  let next = at;
  while (isSpace(text.charCodeAt(next))) next++;
  return next;
}

/** Whether a character is white space between the parts of JSON. */
export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
