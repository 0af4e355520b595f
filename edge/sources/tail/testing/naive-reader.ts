/**
 * A reader for the model test that may read everything and has all the time in the world: it walks every path of a tree
 * through every link, and says of each that a pattern matches whether a user without rights has to be able to read it.
 * It shares no code with discovery but the text of names.
 */
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { childOf, folderOf, nameOf, namesIn, systemPath, textOf } from "../../../../shared/files/path-text.ts";

/** What stands at a path that the pattern matches. */
export interface MatchedPath {
  readonly path: string;
  /** The same without links; of a link that leads in a circle where that lies. */
  readonly real: string;
  /** Whether others than its owner can get there, list its folder, and read it. */
  readonly isOpen: boolean;
  /** Undefined: it is no regular file. */
  readonly lines: readonly string[] | undefined;
  readonly inode: number;
}

interface ReadUpTo {
  readonly real: string;
  readonly isOpen: boolean;
}

/** Longer than any way that leads to something new in the trees of the test. */
const depthMax = 6;
const linksMax = 40;
const othersRead = 4;
const othersListAndEnter = 5;

/** All that a pattern matches below `root`, whoever may see it. Folders and links to nowhere are left out. */
export function readNaively(root: string, pattern: RegExp): readonly MatchedPath[] {
  const matched: MatchedPath[] = [];
  const walk = (folder: string, place: ReadUpTo, depth: number): void => {
    const isOpen = place.isOpen && allows(place.real, othersListAndEnter);
    for (const name of namesIn(place.real)) {
      const path = childOf(folder, name);
      const found = resolve(root, { real: place.real, isOpen }, name);
      if (found === "nowhere") continue;
      const isMeant = pattern.test(path.slice(root.length + 1));
      if (found === "circle") {
        if (isMeant)
          matched.push({
            path,
            real: childOf(place.real, name),
            isOpen: false,
            lines: undefined,
            inode: lstatSync(systemPath(childOf(place.real, name))).ino,
          });
        continue;
      }
      const stat = lstatSync(systemPath(found.real));
      if (stat.isDirectory()) {
        if (depth < depthMax) walk(path, found, depth + 1);
      } else if (isMeant) {
        matched.push({
          path,
          real: found.real,
          isOpen: found.isOpen && allows(found.real, othersRead) && allows(folderOf(found.real), othersListAndEnter),
          lines: stat.isFile() ? linesOf(found.real) : undefined,
          inode: stat.ino,
        });
      }
    }
  };
  walk(root, { real: root, isOpen: true }, 1);
  return matched;
}

/** Where a name of a folder leads to, part by part, as the system would go. */
function resolve(root: string, from: ReadUpTo, name: string): ReadUpTo | "nowhere" | "circle" {
  let { real, isOpen } = from;
  const parts = [name];
  let links = 0;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (part === "..") {
      real = folderOf(real);
      continue;
    }
    const next = childOf(real, part);
    const stat = kindAt(next);
    if (stat === undefined) return "nowhere";
    isOpen &&= !real.startsWith(root) || allows(real, 1);
    if (!stat.isSymbolicLink()) {
      real = next;
      continue;
    }
    if (++links > linksMax) return "circle";
    const target = textOf(readlinkSync(systemPath(next), { encoding: "buffer" }));
    parts.unshift(...target.split("/").filter((each) => each !== "" && each !== "."));
    if (target.startsWith("/")) real = "/";
  }
  return { real, isOpen };
}

function kindAt(path: string) {
  try {
    return lstatSync(systemPath(path), { throwIfNoEntry: false });
  } catch (thrown) {
    // A way through a file leads nowhere.
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOTDIR") return undefined;
    throw thrown;
  }
}

function allows(path: string, bits: number): boolean {
  return (lstatSync(systemPath(path)).mode & bits) === bits;
}

function linesOf(path: string): readonly string[] {
  return readFileSync(systemPath(path), "latin1").split("\n").slice(0, -1);
}

/** Whether one of the paths that lead to a file is among those told: it itself, or a folder above it. */
export function isTold(
  ways: readonly MatchedPath[],
  told: ReadonlySet<string>,
  shown: (path: string) => string,
): boolean {
  for (const way of ways.flatMap(({ path, real }) => [path, real])) {
    for (let at = way; nameOf(at) !== ""; at = folderOf(at)) if (told.has(shown(at))) return true;
  }
  return false;
}
