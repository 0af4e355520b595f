import { constants } from "node:fs";
import { access, link, lstat, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { resolveLinks } from "../../../shared/files/links.ts";

/**
 * Moves a file that is complete to its name below the directory, as `name.1.log` where that is taken; never over
 * somebody else's. Answers where it is now; that is durable.
 */
export async function publishFile(from: string, directory: string, name: string): Promise<string> {
  const target = await moveToName(from, directory, name);
  await syncFolders(dirname(target), directory);
  return target;
}

/** The same, not durable yet: `syncFolders` makes it so. */
export async function moveToName(from: string, directory: string, name: string): Promise<string> {
  for (let number = 0; ; number++) {
    const target = join(directory, numbered(name, number));
    await mkdir(dirname(target), { recursive: true });
    // Folders below the sink's own may be others' links: those that lead out of it are refused.
    resolveLinks(dirname(target), []);
    if (await moveUnlessTaken(from, target)) return target;
  }
}

/** New names are durable when their folders are: from the innermost out to the sink's own. */
export async function syncFolders(folder: string, top: string): Promise<void> {
  for (let at = folder; at.startsWith(top); at = dirname(at)) {
    const handle = await open(at, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** The system's word for what went wrong (`ENOENT`); undefined when it is not the system's error. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : undefined;
}

/** Moves without ever replacing a file: a link fails where a rename would overwrite. False when the name is taken. */
async function moveUnlessTaken(from: string, target: string): Promise<boolean> {
  try {
    await link(from, target);
  } catch (thrown) {
    const code = codeOf(thrown);
    // An earlier try gave it this name and did not come to take the other one away.
    if (code === "EEXIST" && (await areOne(from, target))) return takeAway(from);
    if (code === "EEXIST") return false;
    // File systems without hard links (FAT, some network ones): looking first is the best there is.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw thrown;
    if (await exists(target)) return false;
    await rename(from, target);
    return true;
  }
  return takeAway(from);
}

async function takeAway(from: string): Promise<true> {
  await unlink(from);
  return true;
}

async function areOne(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([lstat(a, { bigint: true }), lstat(b, { bigint: true })]);
  return one.ino === other.ino && one.dev === other.dev;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

/** `a/driving.log` → `a/driving.1.log`. */
function numbered(name: string, number: number): string {
  if (number === 0) return name;
  const extension = extname(name);
  return `${name.slice(0, name.length - extension.length)}.${number}${extension}`;
}
