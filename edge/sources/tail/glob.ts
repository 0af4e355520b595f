/**
 * The grammar of paths. A pattern is absolute; its parts between slashes are matched one by one against the parts of a
 * path. DESIGN.md has the whole table; glob.test.ts tests it.
 *
 * Braces are expanded first, since they may hold slashes: `/L/{a,b/c}/x.log` is two patterns.
 */

import { nameMatcher, regexMistake, regexOf } from "../../../shared/files/name-pattern.ts";

/** One part of a pattern. */
export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "glob"; readonly matches: (name: string) => boolean }
  /** `**`: any number of folders, also none. */
  | { readonly kind: "deep" };

/** A pattern without braces. */
interface Alternative {
  readonly folders: readonly Segment[];
  readonly file: Segment;
}

/** One path or glob pattern of the config. */
export class PathPattern {
  readonly alternatives: readonly Alternative[];

  /** @param pattern absolute. */
  constructor(readonly pattern: string) {
    const [folder, name] = splitName(pattern);
    if (regexOf(name) === undefined) this.alternatives = expandBraces(pattern).map(alternativeOf);
    else {
      const file: Segment = { kind: "glob", matches: nameMatcher(name) };
      this.alternatives = expandBraces(`${folder}/x`).map((each) => ({ ...alternativeOf(each), file }));
    }
  }

  /** Whether the config asks for a file of this name in this folder. */
  matches(directory: string, name: string): boolean {
    const parts = directory.split("/").filter((part) => part !== "");
    return this.alternatives.some(({ folders, file }) => matchesName(file, name) && matchesFolders(folders, parts));
  }

  /** Whether files in this folder are meant. */
  coversDirectory(directory: string): boolean {
    const parts = directory.split("/").filter((part) => part !== "");
    return this.alternatives.some(({ folders }) => matchesFolders(folders, parts));
  }

  /** Names of files in this folder that are spelled out. */
  literalNames(directory: string): readonly string[] {
    const parts = directory.split("/").filter((part) => part !== "");
    return this.alternatives.flatMap(({ folders, file }) =>
      file.kind === "literal" && matchesFolders(folders, parts) ? [file.text] : [],
    );
  }

  /** Folders that no part of is a pattern: they are expected, even while they do not exist. */
  get fixedDirectories(): readonly string[] {
    return this.alternatives.flatMap(({ folders }) => {
      const texts = folders.map((segment) => (segment.kind === "literal" ? segment.text : undefined));
      return texts.includes(undefined) ? [] : [`/${texts.join("/")}`];
    });
  }
}

/** What is wrong with how a pattern is written; undefined when nothing is. */
export function mistakeOf(pattern: string): string | undefined {
  const [folder, name] = splitName(pattern);
  if (regexOf(name) !== undefined) return mistakeOf(`${folder}/x`) ?? regexMistake(name);
  let depth = 0;
  for (let at = 0; at < pattern.length; at = skipPiece(pattern, at)) {
    const character = pattern[at];
    if (character === "\\" && at + 1 === pattern.length)
      return `"${pattern}" ends with a backslash that stands before nothing`;
    if (character === "[" && closingBracket(pattern, at) < 0) {
      return `"${pattern}": "[" without its "]"; write "\\\\[" for the character itself`;
    }
    if (character === "{") depth++;
    if (character === "}" && depth > 0) depth--;
  }
  return depth > 0 ? `"${pattern}": "{" without its "}"; write "\\\\{" for the character itself` : undefined;
}

/** A bracket expression that no character fits, since all its ranges end before they begin; undefined when there is none. */
export function emptyRangeIn(pattern: string): string | undefined {
  const [, name] = splitName(pattern);
  if (regexOf(name) !== undefined) return undefined;
  for (let at = 0; at < pattern.length; at = skipPiece(pattern, at)) {
    const end = pattern[at] === "[" ? closingBracket(pattern, at) : -1;
    const inside = end < 0 ? "" : pattern.slice(at + 1, end);
    if (inside === "" || /^[!^]/.test(inside)) continue;
    const rest = inside.replaceAll(/([^\\])-([^\\])/gsu, (range, from: string, to: string) => (from > to ? "" : range));
    if (rest === "") return pattern.slice(at, end + 1);
  }
  return undefined;
}

/** The folder of a pattern, and what it says about names in it. */
function splitName(pattern: string): readonly [string, string] {
  // A regular expression of a name holds no slash: no name has one.
  const at = pattern.lastIndexOf("/");
  return [pattern.slice(0, at), pattern.slice(at + 1)];
}

/** Whether the pattern means one path and no other. */
export function isLiteral(segment: Segment): boolean {
  return segment.kind === "literal";
}

/** Whether a segment asks for this name; a `**` in a file's place asks for all. */
export function matchesName(segment: Segment, name: string): boolean {
  if (segment.kind === "literal") return segment.text === name;
  return segment.kind === "deep" || segment.matches(name);
}

function matchesFolders(segments: readonly Segment[], parts: readonly string[], from = 0, at = 0): boolean {
  const segment = segments[from];
  if (segment === undefined) return at === parts.length;
  if (segment.kind === "deep") {
    for (let next = at; next <= parts.length; next++) if (matchesFolders(segments, parts, from + 1, next)) return true;
    return false;
  }
  const part = parts[at];
  return part !== undefined && matchesName(segment, part) && matchesFolders(segments, parts, from + 1, at + 1);
}

function alternativeOf(pattern: string): Alternative {
  const segments = pattern
    .split("/")
    .filter((part) => part !== "")
    .map(segmentOf);
  const file = segments.pop() ?? { kind: "literal", text: "" };
  // All files at any depth: the folders are as many as one likes.
  return file.kind === "deep" ? { folders: [...segments, file], file } : { folders: segments, file };
}

function segmentOf(text: string): Segment {
  if (text === "**") return { kind: "deep" };
  if (!/[*?[\\]/.test(text)) return { kind: "literal", text };
  // Braces are expanded by now: one that is left stands for itself. So does a "!": no pattern is turned round here.
  const glob = new Bun.Glob(
    text.replace(/^!/, "\\!").replaceAll(/(\\.)|([{}])/g, (_, escaped, brace) => escaped ?? `\\${brace}`),
  );
  return { kind: "glob", matches: (name) => glob.match(name) };
}

/** All patterns that a pattern with braces stands for. */
export function expandBraces(pattern: string): readonly string[] {
  for (let at = 0; at < pattern.length; at = skipPiece(pattern, at)) {
    if (pattern[at] !== "{") continue;
    const group = groupAt(pattern, at);
    if (group === undefined) continue;
    const [before, after] = [pattern.slice(0, at), pattern.slice(group.end)];
    return group.options.flatMap((option) => expandBraces(before + option + after));
  }
  return [pattern];
}

/** The options of the braces that open at `start`, and where they end. */
function groupAt(
  pattern: string,
  start: number,
): { readonly options: readonly string[]; readonly end: number } | undefined {
  const options: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let at = start; at < pattern.length; at = skipPiece(pattern, at)) {
    const character = pattern[at];
    if (character === "{") depth++;
    if (character === "}") depth--;
    if ((character === "," && depth === 1) || (character === "}" && depth === 0)) {
      options.push(pattern.slice(from, at));
      from = at + 1;
    }
    if (character === "}" && depth === 0) return { options, end: at + 1 };
  }
  return undefined;
}

/** The place behind a character, an escaped one, or a whole bracket expression. */
function skipPiece(pattern: string, at: number): number {
  if (pattern[at] === "\\") return at + 2;
  const closing = pattern[at] === "[" ? closingBracket(pattern, at) : -1;
  return closing < 0 ? at + 1 : closing + 1;
}

/** Where a bracket expression ends; -1: nowhere. A "]" right after the opening (or its "!") stands for itself. */
function closingBracket(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === "!" || pattern[at] === "^") at++;
  if (pattern[at] === "]") at++;
  for (; at < pattern.length && pattern[at] !== "/"; at++) {
    if (pattern[at] === "\\") at++;
    else if (pattern[at] === "]") return at;
  }
  return -1;
}
