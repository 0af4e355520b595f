/** Finds the folders that patterns mean. One that may not be entered is left out and said; its neighbours are not. */
import { type Dirent, lstatSync, readdirSync, statSync } from "node:fs";
import { type FollowLinks, resolveLinks } from "../../../shared/files/links.ts";
import { nameMatcher } from "../../../shared/files/name-pattern.ts";
import { childOf, namesIn, systemPath } from "../../../shared/files/path-text.ts";
import { FileRefused, systemCode } from "../../../shared/files/refusal.ts";
import { matchesName, PathPattern, type Segment } from "./glob.ts";

/** A folder that holds files that the config asks for. */
export interface FoundFolder {
  /** As the pattern says it. */
  readonly path: string;
  /** The same without links. */
  readonly real: string;
}

/** Called for what cannot be looked at. */
export type Note = (path: string, thrown: unknown) => void;

interface Listing {
  readonly mtimeNs: bigint;
  readonly folders: readonly string[];
  readonly links: readonly string[];
}

/** Folders whose names changed this recently may have changed again without a new time. */
const freshNs = 2_000_000_000n;

/** Walks from the root down, through what a pattern asks for. Lists a folder again only when its names changed. */
export class FolderFinder {
  private listings = new Map<string, Listing>();
  private used = new Map<string, Listing>();
  private visited = new Set<string>();
  private note: Note = () => {};
  private found: FoundFolder[] = [];

  constructor(
    private readonly follow: FollowLinks,
    private readonly wallMs: () => number,
  ) {}

  /** The folders that exist now. */
  find(patterns: readonly PathPattern[], note: Note): readonly FoundFolder[] {
    this.note = note;
    this.found = [];
    this.used = new Map();
    for (const { alternatives } of patterns) {
      for (const { folders } of alternatives) {
        this.visited = new Set();
        this.walk({ path: "/", real: "/" }, folders, 0);
      }
    }
    this.listings = this.used;
    return this.found;
  }

  private walk(at: FoundFolder, segments: readonly Segment[], index: number): void {
    // Links may lead back to where we came from.
    const key = `${index} ${at.real}`;
    if (this.visited.has(key)) return;
    this.visited.add(key);
    const segment = segments[index];
    if (segment === undefined) {
      this.found.push(at);
      return;
    }
    if (segment.kind === "literal") {
      const child = this.enter(at, segment.text);
      if (child !== undefined) this.walk(child, segments, index + 1);
      return;
    }
    if (segment.kind === "deep") this.walk(at, segments, index + 1);
    const next = segment.kind === "deep" ? index : index + 1;
    const { folders, links } = this.list(at);
    for (const name of folders) {
      if (!matchesName(segment, name)) continue;
      this.walk({ path: childOf(at.path, name), real: childOf(at.real, name) }, segments, next);
    }
    for (const name of links) {
      if (!matchesName(segment, name)) continue;
      const child = this.enter(at, name);
      if (child !== undefined) this.walk(child, segments, next);
    }
  }

  /** The folder of this name; undefined when there is none, or none that is entered. */
  private enter(at: FoundFolder, name: string): FoundFolder | undefined {
    const path = childOf(at.path, name);
    const entry = childOf(at.real, name);
    try {
      const real = resolveLinks(entry, this.follow, { from: at.real });
      return lstatSync(systemPath(real)).isDirectory() ? { path, real } : undefined;
    } catch (thrown) {
      const code = systemCode(thrown);
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      if (!(thrown instanceof FileRefused) || leadsToFolder(entry)) this.note(path, thrown);
      return undefined;
    }
  }

  private list(at: FoundFolder): Listing {
    try {
      const { mtimeNs, ctimeNs } = statSync(systemPath(at.real), { bigint: true });
      const known = this.listings.get(at.real);
      const listing = known !== undefined && known.mtimeNs === mtimeNs ? known : { mtimeNs, ...sorted(at.real) };
      const isOld = BigInt(Math.trunc(this.wallMs())) * 1_000_000n - ctimeNs > freshNs;
      if (isOld) this.used.set(at.real, listing);
      return listing;
    } catch (thrown) {
      if (systemCode(thrown) !== "ENOENT") this.note(at.path, thrown);
      return { mtimeNs: -1n, folders: [], links: [] };
    }
  }
}

function sorted(folder: string): { readonly folders: readonly string[]; readonly links: readonly string[] } {
  const entries: readonly Dirent[] = readdirSync(systemPath(folder), { withFileTypes: true });
  if (!entries.some(({ name }) => name.includes("\u{fffd}"))) {
    return {
      folders: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      links: entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name),
    };
  }
  const names = namesIn(folder).map((name) => ({
    name,
    stat: lstatSync(systemPath(childOf(folder, name)), { throwIfNoEntry: false }),
  }));
  return {
    folders: names.filter(({ stat }) => stat?.isDirectory()).map(({ name }) => name),
    links: names.filter(({ stat }) => stat?.isSymbolicLink()).map(({ name }) => name),
  };
}

function leadsToFolder(link: string): boolean {
  try {
    return statSync(systemPath(link)).isDirectory();
  } catch (thrown) {
    if (systemCode(thrown) === undefined) throw thrown;
    return false;
  }
}

/** Tells whether a file is left alone: patterns without a slash look at its name, others at its whole path. */
export function excluder(patterns: readonly string[]): (directory: string, name: string) => boolean {
  const all = patterns.map((pattern) => {
    const isRegex = pattern.includes("/regex:");
    return { whole: !isRegex && pattern.includes("/"), of: isRegex ? regexIn(pattern) : nameMatcher(pattern) };
  });
  return (directory, name) => all.some(({ whole, of }) => of(whole ? childOf(directory, name) : name, directory));
}

/** A folder and a regular expression of the names in it. */
function regexIn(pattern: string): (name: string, directory: string) => boolean {
  const asked = new PathPattern(pattern);
  return (name, directory) => asked.matches(directory, name);
}
