import { readdirSync, type Stats, statSync } from "node:fs";
import { join, sep } from "node:path";

/** One path or glob pattern of the config, taken apart into folders and a file name. */
export class PathPattern {
  private readonly folders: readonly string[];
  private readonly file: (name: string) => boolean;
  private readonly covers: (directory: string) => boolean;

  /** @param pattern absolute. */
  constructor(readonly pattern: string) {
    const segments = pattern.split(sep).slice(1);
    this.file = segmentMatcher(segments.pop() ?? "");
    this.folders = segments;
    const folder = sep + segments.join(sep);
    const glob = new Bun.Glob(folder);
    this.covers = isGlob(folder) ? (path) => glob.match(path) : (path) => path === folder;
  }

  /** Whether the config asks for a file of this name. */
  matches(name: string): boolean {
    return this.file(name);
  }

  /** Whether files in this folder are meant. */
  coversDirectory(path: string): boolean {
    return this.covers(path);
  }

  /** The folders that exist now and may hold such files. */
  directories(): readonly string[] {
    const found = new Set<string>();
    walk(sep, this.folders, found);
    return [...found];
  }

  /** The folder, when no part of it is a pattern: it is expected, even while it does not exist. */
  get fixedDirectory(): string | undefined {
    return this.folders.some(isGlob) ? undefined : join(sep, ...this.folders);
  }
}

/** Tells whether a file is left alone: patterns without a slash look at its name, others at its whole path. */
export function excluder(patterns: readonly string[]): (directory: string, name: string) => boolean {
  const globs = patterns.map((pattern) => ({ wholePath: pattern.includes(sep), glob: new Bun.Glob(pattern) }));
  return (directory, name) => globs.some(({ wholePath, glob }) => glob.match(wholePath ? join(directory, name) : name));
}

/** Stops at this depth under `**`: deeper is a loop of links. */
const depthMax = 32;

function walk(at: string, segments: readonly string[], found: Set<string>, depth = 0): void {
  const [segment, ...rest] = segments;
  if (depth > depthMax) return;
  if (segment === undefined) {
    if (isDirectory(at)) found.add(at);
    return;
  }
  if (segment === "**") {
    walk(at, rest, found, depth + 1);
    for (const child of childFolders(at)) walk(join(at, child), segments, found, depth + 1);
  } else if (isGlob(segment)) {
    const matches = segmentMatcher(segment);
    for (const child of childFolders(at)) if (matches(child)) walk(join(at, child), rest, found, depth + 1);
  } else {
    walk(join(at, segment), rest, found, depth + 1);
  }
}

function childFolders(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isDirectory(join(path, entry.name))))
      .map((entry) => entry.name);
  } catch (thrown) {
    // What cannot be listed holds nothing for us; it is looked at again with the next poll.
    if (thrown instanceof Error && "code" in thrown) return [];
    throw thrown;
  }
}

function isDirectory(path: string): boolean {
  const stat: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true;
}

function isGlob(segment: string): boolean {
  return /[*?[{\\]/.test(segment);
}

function segmentMatcher(segment: string): (name: string) => boolean {
  if (!isGlob(segment)) return (name) => name === segment;
  const glob = new Bun.Glob(segment);
  return (name) => glob.match(name);
}
