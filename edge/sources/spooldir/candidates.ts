import { type BigIntStats, lstatSync, statSync } from "node:fs";
import { birthNs } from "../../../shared/files/birth.ts";
import { resolveLinks } from "../../../shared/files/links.ts";
import { nameMatcher } from "../../../shared/files/name-pattern.ts";
import { kindOf } from "../../../shared/files/open-regular.ts";
import { childOf, namesIn, shownPath, systemPath } from "../../../shared/files/path-text.ts";
import { realOf } from "../../../shared/files/real-path.ts";
import { FileRefused, isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";
import type { FileAccess } from "../../core/file-fields.ts";
import { identityOf, type SpoolFacts } from "./spool-file.ts";

/** A file that lies in the spool directory. */
export interface Candidate extends SpoolFacts {
  readonly device: bigint;
  /** Path below the spool directory. */
  readonly key: string;
  /** Where it is, without links. */
  readonly real: string;
  /** Which folders it lies in, from the spool directory down, one behind the other: `2.1700000000/812.1700000001`. */
  readonly folder: string;
}

/** Which files of a spool directory are to be read, and in which order. */
export interface CandidateOptions {
  readonly path: string;
  readonly ignore: readonly string[];
  readonly include?: readonly string[] | undefined;
  readonly recursive: boolean;
  readonly order: "mtime" | "name";
  readonly completedSuffix: string;
  readonly errorSuffix: string;
}

interface Folder {
  readonly path: string;
  readonly ids: string;
}

/** Lists the files of a spool directory that are to be read, in the order in which they are. */
export class Candidates {
  private readonly ignored: readonly ((name: string) => boolean)[];
  private readonly included: readonly ((name: string) => boolean)[] | undefined;
  private readonly severalNames = new Set<string>();
  private obscured = false;
  private readonly foundFolders = new Map<string, string>();
  /** Since when (uptime) each file is what it is. */
  private steady = new Map<string, { readonly identity: SpoolFacts; readonly sinceMs: number }>();

  constructor(
    private readonly options: CandidateOptions,
    private readonly access: FileAccess,
    /** Called with what is left out. It never hides its neighbours. */
    private readonly leaveOut: (key: string, thrown: Error) => void,
    /** Of several names of a file one that is known stays its name. */
    private readonly isKnown: (key: string) => boolean,
  ) {
    this.ignored = options.ignore.map(nameMatcher);
    this.included = options.include?.map(nameMatcher);
  }

  /**
   * Everything that is there and is not ignored.
   *
   * @throws the system's error when the directory cannot be read.
   */
  list(): readonly Candidate[] {
    const found: Candidate[] = [];
    this.obscured = false;
    this.foundFolders.clear();
    const folder = realOf(this.options.path);
    const id = folderId(statSync(systemPath(folder), { bigint: true }));
    this.foundFolders.set("", id);
    this.collect("", { path: folder, ids: id }, found);
    const byName = (a: Candidate, b: Candidate) => (a.key < b.key ? -1 : 1);
    const byTime = (a: Candidate, b: Candidate) => {
      const [first, second] = [BigInt(a.mtimeNs), BigInt(b.mtimeNs)];
      return first === second ? byName(a, b) : first < second ? -1 : 1;
    };
    return this.oneNameEach(found.sort(this.options.order === "name" ? byName : byTime));
  }

  /** The folders of the last list: path below the spool directory (`""`: itself) → which one it is. */
  get folders(): ReadonlyMap<string, string> {
    return this.foundFolders;
  }

  /** Whether the last list may lack names: the system refused to show some. */
  get isPartial(): boolean {
    return this.obscured;
  }

  /** Whether a file of this inode had more than one name in the last list. */
  hadSeveralNames(inode: string): boolean {
    return this.severalNames.has(inode);
  }

  /**
   * Those of `all` that did not change for `settleMs`. Told by looking again, not by the file's time: clocks of vehicles
   * jump. Call it with every list.
   */
  settled(all: readonly Candidate[], settleMs: number, nowMs: number): readonly Candidate[] {
    const steady: typeof this.steady = new Map();
    for (const candidate of all) {
      const before = this.steady.get(candidate.key);
      const same =
        before !== undefined &&
        before.identity.inode === candidate.inode &&
        before.identity.size === candidate.size &&
        before.identity.mtimeNs === candidate.mtimeNs;
      steady.set(candidate.key, same ? before : { identity: candidate, sinceMs: nowMs });
    }
    this.steady = steady;
    return all.filter(({ key }) => nowMs - (steady.get(key)?.sinceMs ?? nowMs) >= settleMs);
  }

  /** A file is one file whatever leads to it: it is read under the first of its names. */
  private oneNameEach(sorted: readonly Candidate[]): readonly Candidate[] {
    this.severalNames.clear();
    const first = new Map<string, Candidate>();
    for (const candidate of sorted) {
      const id = `${candidate.device}:${candidate.inode}`;
      const other = first.get(id);
      const isBetter = other !== undefined && !this.isKnown(other.key) && this.isKnown(candidate.key);
      if (other === undefined || isBetter) first.set(id, candidate);
      if (other === undefined) continue;
      const [taken, left] = isBetter ? [candidate, other] : [other, candidate];
      this.severalNames.add(candidate.inode);
      this.leaveOut(left.key, new FileRefused(left.key, `another name of ${shownPath(taken.key)}`));
    }
    return [...first.values()];
  }

  private collect(below: string, folder: Folder, found: Candidate[]): void {
    for (const name of namesIn(folder.path)) {
      if (this.ignored.some((matches) => matches(name))) continue;
      const key = below === "" ? name : childOf(below, name);
      try {
        this.lookAt(key, folder, name, found);
      } catch (thrown) {
        if (!isFileTrouble(thrown)) throw thrown;
        if (systemCode(thrown) === "ENOENT") continue;
        this.obscured ||= !(thrown instanceof FileRefused);
        this.leaveOut(key, thrown);
      }
    }
  }

  /** A link that leads to nothing may lead to something again: what is known of it stays known. */
  private targetOf(key: string, entry: string, folder: Folder): string {
    try {
      return resolveLinks(entry, this.access.follow, { from: folder.path });
    } catch (thrown) {
      if (systemCode(thrown) !== "ENOENT") throw thrown;
      throw new FileRefused(key, "a link that leads to nothing");
    }
  }

  private lookAt(key: string, folder: Folder, name: string, found: Candidate[]): void {
    const { recursive, completedSuffix, errorSuffix } = this.options;
    const entry = childOf(folder.path, name);
    let stat = lstatSync(systemPath(entry), { bigint: true });
    if (stat.isDirectory()) {
      if (!recursive) return;
      const id = folderId(stat);
      this.foundFolders.set(key, id);
      this.collect(key, { path: entry, ids: `${folder.ids}/${id}` }, found);
      return;
    }
    if (name.endsWith(completedSuffix) || name.endsWith(errorSuffix)) return;
    if (this.included !== undefined && !this.included.some((matches) => matches(name))) return;
    let real = entry;
    if (stat.isSymbolicLink()) {
      real = this.targetOf(key, entry, folder);
      stat = lstatSync(systemPath(real), { bigint: true });
      if (stat.isDirectory()) return;
    }
    if (!stat.isFile()) throw new FileRefused(key, kindOf(stat));
    found.push({ key, real, device: stat.dev, folder: folder.ids, ...identityOf(stat) });
  }
}

/** The number of its device is left out: it may change with each boot. Without a time of birth the inode is left to tell by. */
function folderId(stat: BigIntStats): string {
  const born = birthNs(stat);
  return born === undefined ? `${stat.ino}` : `${stat.ino}.${born}`;
}
