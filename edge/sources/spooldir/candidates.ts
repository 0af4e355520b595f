import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Identity, identityOf } from "./spool-file.ts";

/** A file that lies in the spool directory. */
export interface Candidate extends Identity {
  /** Path below the spool directory. */
  readonly key: string;
}

/** Which files of a spool directory are to be read, and in which order. */
export interface CandidateOptions {
  readonly path: string;
  readonly ignore: readonly string[];
  readonly recursive: boolean;
  readonly order: "mtime" | "name";
  readonly completedSuffix: string;
  readonly errorSuffix: string;
}

/** Lists the files of a spool directory that are to be read, in the order in which they are. */
export class Candidates {
  private readonly ignored: readonly Bun.Glob[];
  /** Since when (uptime) each file is what it is. */
  private steady = new Map<string, { readonly identity: Identity; readonly sinceMs: number }>();

  constructor(private readonly options: CandidateOptions) {
    this.ignored = options.ignore.map((pattern) => new Bun.Glob(pattern));
  }

  /**
   * Everything that is there and is not ignored.
   *
   * @throws the system's error when the directory cannot be read.
   */
  list(): readonly Candidate[] {
    const found: Candidate[] = [];
    this.collect("", found);
    const byName = (a: Candidate, b: Candidate) => (a.key < b.key ? -1 : 1);
    return this.options.order === "name"
      ? found.sort(byName)
      : found.sort((a, b) => {
          const [first, second] = [BigInt(a.mtimeNs), BigInt(b.mtimeNs)];
          return first === second ? byName(a, b) : first < second ? -1 : 1;
        });
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

  private collect(below: string, found: Candidate[]): void {
    const { path, recursive, completedSuffix, errorSuffix } = this.options;
    for (const entry of readdirSync(join(path, below), { withFileTypes: true })) {
      const key = join(below, entry.name);
      if (this.ignored.some((glob) => glob.match(entry.name))) continue;
      if (entry.isDirectory()) {
        if (recursive) this.collect(key, found);
        continue;
      }
      if (entry.name.endsWith(completedSuffix) || entry.name.endsWith(errorSuffix)) continue;
      const stat = statSync(join(path, key), { bigint: true, throwIfNoEntry: false });
      if (stat?.isFile() === true) found.push({ key, ...identityOf(stat) });
    }
  }
}
