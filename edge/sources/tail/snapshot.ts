/**
 * What a directory holds at one moment. Names and inodes cannot be asked for in one call, and a rotation in between
 * gives a picture that never was (a generation missing, another one seen under its new name): conclusions from such a
 * picture would lose or repeat a file. So the picture is taken until two in a row are equal.
 *
 * Links are not followed here: what they lead to belongs to the picture of its own folder.
 */
import { type BigIntStats, lstatSync } from "node:fs";
import { kindOf } from "../../../shared/files/open-regular.ts";
import { childOf, namesIn, systemPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";
import type { FileStat } from "./file-stat.ts";

/** A file with the name it had. */
export interface FolderEntry extends FileStat {
  readonly name: string;
}

/** The files of a directory, by name. */
export interface FolderSnapshot {
  readonly device: bigint;
  /** Time of the folder itself: while it stays, no name came or went. */
  readonly mtimeNs: bigint;
  readonly entries: ReadonlyMap<string, FolderEntry>;
  /** Names of links. */
  readonly links: readonly string[];
  /** What is neither a file nor a link: name and what it is. */
  readonly others: ReadonlyMap<string, string>;
  /** What could not be looked at: it may be any of the known files, so none that is missing can be said to be gone. */
  readonly obscured: ReadonlyMap<string, Error>;
  /** Undefined: all its names were seen. Else why it may be entered and not listed: only expected names were looked at. */
  readonly unlisted: Error | undefined;
  /** False: it never stood still long enough; nothing may be concluded from what is missing or new. */
  readonly settled: boolean;
}

type Picture = Pick<FolderSnapshot, "entries" | "links" | "others" | "obscured" | "unlisted">;

const triesMax = 10;

/**
 * Takes the picture; files whose name is not wanted are not looked at. Undefined when there is no such directory.
 * A picture that equals `last` is taken once. Of a folder that may be entered and not listed the expected names are looked at.
 *
 * @throws the system's error when the directory cannot be read for another reason.
 */
export function takeSnapshot(
  directory: string,
  wanted: (name: string) => boolean,
  last: ReadonlyMap<string, FolderEntry> | undefined,
  expected: readonly string[] = [],
): FolderSnapshot | undefined {
  const before = lookAt(directory);
  if (before === undefined || !before.isDirectory()) return undefined;
  const about = { device: before.dev, mtimeNs: before.mtimeNs };
  let previous = last;
  let picture: Picture | undefined;
  for (let attempt = 0; attempt < triesMax; attempt++) {
    picture = collect(directory, wanted, expected);
    if (picture === undefined) return undefined;
    if (previous !== undefined && sameShape(picture.entries, previous)) return { ...about, ...picture, settled: true };
    previous = picture.entries;
  }
  return picture === undefined ? undefined : { ...about, ...picture, settled: false };
}

/** One entry an inode: of several links, the one under which the file is known. */
export function entriesByInode(
  { entries }: FolderSnapshot,
  knownNames: ReadonlySet<string>,
): ReadonlyMap<bigint, FolderEntry> {
  const byInode = new Map<bigint, FolderEntry>();
  for (const entry of entries.values()) {
    if (!byInode.has(entry.inode) || knownNames.has(entry.name)) byInode.set(entry.inode, entry);
  }
  return byInode;
}

function collect(
  directory: string,
  wanted: (name: string) => boolean,
  expected: readonly string[],
): Picture | undefined {
  const entries = new Map<string, FolderEntry>();
  const links: string[] = [];
  const others = new Map<string, string>();
  const obscured = new Map<string, Error>();
  let names: readonly string[];
  let unlisted: Error | undefined;
  try {
    names = namesIn(directory);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return undefined;
    if (!(thrown instanceof Error) || systemCode(thrown) !== "EACCES" || expected.length === 0) throw thrown;
    names = [...new Set(expected)];
    unlisted = thrown;
  }
  for (const name of names) {
    if (!wanted(name)) continue;
    try {
      const stat = lookAt(childOf(directory, name));
      if (stat === undefined) continue;
      if (stat.isFile()) entries.set(name, entryOf(name, stat));
      else if (stat.isSymbolicLink()) links.push(name);
      else others.set(name, kindOf(stat));
    } catch (thrown) {
      if (!(thrown instanceof Error) || systemCode(thrown) === undefined) throw thrown;
      obscured.set(name, thrown);
    }
  }
  // Nothing may be entered either: that is a folder that cannot be read.
  if (unlisted !== undefined && obscured.size === names.length) throw unlisted;
  return { entries, links, others, obscured, unlisted };
}

function entryOf(name: string, stat: BigIntStats): FolderEntry {
  return { name, inode: stat.ino, device: stat.dev, size: Number(stat.size), mtimeNs: stat.mtimeNs };
}

/** Whether a file is not what the picture shows of it any more. */
export function isOutdated(directory: string, { name, inode, size, mtimeNs }: FolderEntry): boolean {
  try {
    const now = lookAt(childOf(directory, name));
    return now === undefined || now.ino !== inode || Number(now.size) !== size || now.mtimeNs !== mtimeNs;
  } catch (thrown) {
    if (!isFileTrouble(thrown)) throw thrown;
    return true;
  }
}

function lookAt(path: string): BigIntStats | undefined {
  return lstatSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
}

function sameShape(a: ReadonlyMap<string, FolderEntry>, b: ReadonlyMap<string, FolderEntry>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, { inode }] of a) if (b.get(name)?.inode !== inode) return false;
  return true;
}
