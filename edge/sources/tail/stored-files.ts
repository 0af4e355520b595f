import { childOf, folderOf, nameOf } from "../../../shared/files/path-text.ts";
import type { Positioned } from "../../core/source.ts";
import { parseCursor } from "./cursor.ts";
import { FollowedFile } from "./followed-file.ts";

/** What a stream's stored positions say. */
export interface StoredFiles {
  /** Files to go on with. */
  readonly named: readonly FollowedFile[];
  /** Files that no pattern of the config names any more: see unnamed-files.ts. */
  readonly unnamed: readonly FollowedFile[];
  /** Patterns that were looked at before. */
  readonly looked: ReadonlySet<string>;
  /** Files that were there before us and could not be opened so far. */
  readonly unread: readonly BeforeUs[];
  /** Keys whose texts are none of ours. */
  readonly unknown: readonly string[];
  /** The first sequence that was never used. */
  readonly nextSequence: number;
}

/**
 * Reads stored positions. A file is named when the config asks for the log it is a generation of (whatever it is called
 * itself), or for its own name: then it is the root of a trail of its own from now on.
 *
 * @param asked whether the config asks for such a file, and does not exclude it.
 */
export function readStored(
  positions: ReadonlyMap<string, string>,
  asked: (directory: string, name: string) => boolean,
): StoredFiles {
  const named: FollowedFile[] = [];
  const unnamed: FollowedFile[] = [];
  const looked = new Set<string>();
  const unknown: string[] = [];
  const unread: BeforeUs[] = [];
  let nextSequence = 1;
  const isAsked = (path: string) => asked(folderOf(path), nameOf(path));
  for (const [key, text] of positions) {
    const before = BeforeUs.parse(key, text);
    if (before !== undefined) {
      unread.push(before);
      continue;
    }
    if (key.startsWith(patternKeyPrefix)) {
      looked.add(key.slice(patternKeyPrefix.length));
      continue;
    }
    const cursor = parseCursor(text);
    const sequence = Number(key);
    if (cursor === undefined || !Number.isSafeInteger(sequence)) {
      unknown.push(key);
      continue;
    }
    nextSequence = Math.max(nextSequence, sequence + 1);
    if (isAsked(cursor.link ?? cursor.trail)) named.push(FollowedFile.restore(sequence, cursor));
    else if (isAsked(cursor.path)) named.push(FollowedFile.restore(sequence, { ...cursor, trail: cursor.path }));
    else unnamed.push(FollowedFile.restore(sequence, cursor));
  }
  return { named, unnamed, looked, unread, unknown, nextSequence };
}

/** The same file, under another path of its folder. */
export function inFolder(file: FollowedFile, folder: string): FollowedFile {
  const cursor = file.cursor();
  const [path, trail] = [childOf(folder, nameOf(cursor.path)), childOf(folder, nameOf(cursor.trail))];
  return FollowedFile.restore(file.sequence, { ...cursor, path, trail });
}

/** Remembers that a pattern was looked at once: files that come later are new, and are read from their beginning. */
export class PatternMark implements Positioned {
  readonly key: string;

  constructor(pattern: string) {
    this.key = patternKeyPrefix + pattern;
  }

  position(): string {
    return '"looked at"';
  }
}

/** Keys of files are numbers. */
const patternKeyPrefix = "pattern ";

/**
 * Remembers how long a file was that was there before us, is to be read from its end, and could not be opened then: once
 * it can be, what is behind that length is new.
 */
export class BeforeUs implements Positioned {
  readonly key: string;
  /** It was opened since. */
  forgotten = false;

  constructor(
    readonly inode: bigint,
    readonly size: number,
  ) {
    this.key = beforeKeyPrefix + inode.toString();
  }

  /** Reads a stored one; undefined when it is none. */
  static parse(key: string, text: string): BeforeUs | undefined {
    const inode = key.startsWith(beforeKeyPrefix) ? key.slice(beforeKeyPrefix.length) : "";
    return /^\d+$/.test(inode) && /^\d+$/.test(text) ? new BeforeUs(BigInt(inode), Number(text)) : undefined;
  }

  position(): string | undefined {
    return this.forgotten ? undefined : String(this.size);
  }
}

const beforeKeyPrefix = "before ";
