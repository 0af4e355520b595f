/**
 * What a directory holds at one moment. Names and inodes cannot be asked for in one call, and a rotation in between
 * gives a picture that never was (a generation missing, another one seen under its new name): conclusions from such a
 * picture would lose or repeat a file. So the picture is taken until two in a row are equal.
 */
import { type BigIntStats, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FileStat } from "./followed-file.ts";

/** A file with the name it had. */
export interface Entry extends FileStat {
  readonly name: string;
}

/** The files of a directory, by name. */
export interface Snapshot {
  readonly device: bigint;
  readonly entries: ReadonlyMap<string, Entry>;
  /** False: it never stood still long enough; nothing may be concluded from what is missing or new. */
  readonly settled: boolean;
}

const triesMax = 10;

/**
 * Takes the picture; files whose name is not wanted are not looked at. Undefined when there is no such directory.
 * A picture that equals `last` is taken once.
 *
 * @throws the system's error when the directory cannot be read for another reason.
 */
export function takeSnapshot(
  directory: string,
  wanted: (name: string) => boolean,
  last: ReadonlyMap<string, Entry> | undefined,
): Snapshot | undefined {
  const before = statSync(directory, { bigint: true, throwIfNoEntry: false });
  if (before === undefined || !before.isDirectory()) return undefined;
  let previous = last;
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const entries = collect(directory, wanted);
    if (entries === undefined) return undefined;
    if (previous !== undefined && sameShape(entries, previous)) {
      return { device: before.dev, entries, settled: true };
    }
    previous = entries;
  }
  return { device: before.dev, entries: previous ?? new Map(), settled: false };
}

function collect(directory: string, wanted: (name: string) => boolean): Map<string, Entry> | undefined {
  const entries = new Map<string, Entry>();
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
  for (const name of names) {
    if (!wanted(name)) continue;
    const stat = statOf(join(directory, name));
    if (stat === undefined || !stat.isFile()) continue;
    entries.set(name, { name, inode: stat.ino, device: stat.dev, size: Number(stat.size), mtimeNs: stat.mtimeNs });
  }
  return entries;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (thrown) {
    // A link that leads nowhere is no file; it must not hide the others.
    if (thrown instanceof Error && "code" in thrown && (thrown.code === "ELOOP" || thrown.code === "EACCES"))
      return undefined;
    throw thrown;
  }
}

function sameShape(a: ReadonlyMap<string, Entry>, b: ReadonlyMap<string, Entry>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, { inode }] of a) if (b.get(name)?.inode !== inode) return false;
  return true;
}
