import type { Report } from "../../../shared/telemetry/log.ts";
import type { Intake } from "../../core/source.ts";
import type { Candidate } from "./candidates.ts";
import { SpoolFile } from "./spool-file.ts";
import { signals } from "./telemetry.ts";

/** So many files stay known that lie in folders which are not in their place. */
const elsewhereMax = 100_000;

/**
 * The files that are known, each with the folders in which it was found. A list of names speaks of the folder that stands
 * there now: when the spool's disk is not mounted that is another one, and it says nothing about the files of the first.
 * They stay known until their folder is back. A file of a name that one of them has is another file; the known one is
 * set aside under a key of its own.
 */
export class KnownFiles {
  private readonly files = new Map<string, SpoolFile>();
  private intake: Intake | undefined;
  /** The last look's folders: path below the spool → which one it is. */
  private folders: ReadonlyMap<string, string> = new Map();
  /** Of the last look: folders that are not in their place, and how many known files lie in them. */
  private elsewhere = new Map<string, { readonly path: string; files: number }>();

  constructor(private readonly report: Report) {}

  restore(files: readonly SpoolFile[], intake: Intake): void {
    this.intake = intake;
    for (const file of files) this.files.set(file.key, file);
  }

  has(key: string): boolean {
    return this.files.has(key);
  }

  set(file: SpoolFile): void {
    this.files.set(file.key, file);
  }

  /** It is as if it was never met. */
  drop(file: SpoolFile): void {
    if (this.files.get(file.key) === file) this.files.delete(file.key);
  }

  forget(file: SpoolFile): void {
    file.forgotten = true;
    this.drop(file);
    this.intake?.moved(file);
  }

  /** Those that were not set aside. */
  inPlace(): readonly SpoolFile[] {
    return [...this.files.values()].filter(({ isAside }) => !isAside);
  }

  /** What is known of the file that was found; of a name that came with another folder, nothing or what was set aside. */
  match(candidate: Candidate): SpoolFile | undefined {
    const known = this.files.get(candidate.key);
    if (known !== undefined && known.folder === candidate.folder) return known;
    if (known !== undefined && (known.folder === undefined || looksTheSame(known, candidate))) {
      known.folder = candidate.folder;
      this.intake?.moved(known);
      return known;
    }
    const aside = this.files.get(SpoolFile.asideKey(candidate.key, candidate.folder));
    if (known !== undefined) this.rename(known, SpoolFile.asideKey(known.name, known.folder));
    return aside === undefined ? undefined : this.rename(aside, aside.name);
  }

  /** The file under another key; under its own none is known any more. */
  rename(file: SpoolFile, key: string, folder = file.folder): SpoolFile {
    const renamed = file.renamed(key, folder, key.startsWith("/") ? file.name : key);
    this.forget(file);
    this.files.set(key, renamed);
    this.intake?.moved(renamed);
    return renamed;
  }

  /** Takes note of which folders there are now. */
  look(folders: ReadonlyMap<string, string>): void {
    this.folders = folders;
    for (const file of [...this.files.values()]) {
      if (!file.isAside || this.isElsewhere(file) !== undefined) continue;
      const other = this.files.get(file.name);
      if (other !== undefined && this.isElsewhere(other) === undefined) continue;
      if (other !== undefined) this.rename(other, SpoolFile.asideKey(other.name, other.folder));
      this.rename(file, file.name);
    }
  }

  /** Says which folders are not in their place, once each; `present` are the keys of what was found. */
  endLook(present: ReadonlySet<string>): void {
    const before = this.elsewhere;
    this.elsewhere = new Map();
    const files: SpoolFile[] = [];
    for (const file of this.files.values()) {
      if (!file.isAside && present.has(file.key)) continue;
      const path = this.isElsewhere(file);
      if (path === undefined) continue;
      files.push(file);
      const id = `${path}\n${file.folder}`;
      const counted = this.elsewhere.get(id);
      if (counted === undefined) this.elsewhere.set(id, { path, files: 1 });
      else counted.files++;
    }
    for (const [id, each] of this.elsewhere) if (!before.has(id)) this.report(signals.folderElsewhere, { ...each });
    const tooMany = files.slice(0, Math.max(0, files.length - elsewhereMax));
    if (tooMany.length > 0) this.report(signals.elsewhereForgotten, { files: tooMany.length });
    for (const file of tooMany) this.forget(file);
  }

  /** Which of the folders that it was found in is another one now; undefined: none, or it is not there at all. */
  isElsewhere({ name, folder }: SpoolFile): string | undefined {
    if (folder === undefined) return undefined;
    const stored = folder.split("/");
    let at = 0;
    for (const path of foldersOf(name)) {
      const now = this.folders.get(path);
      if (now !== undefined && now !== stored[at]) return path === "" ? "." : path;
      at++;
    }
    return undefined;
  }

  /** For the status. */
  get status(): readonly { readonly path: string; readonly files: number }[] {
    return [...this.elsewhere.values()];
  }
}

/** From the spool directory (`""`) down to the one that holds the file. */
function foldersOf(name: string): readonly string[] {
  const folders: string[] = [];
  for (let end = name.indexOf("/"); end >= 0; end = name.indexOf("/", end + 1)) folders.push(name.slice(0, end));
  return ["", ...folders];
}

/** The file itself, or one that nobody can tell from it: a disk whose inodes are numbered anew, a copy. */
function looksTheSame(known: SpoolFile, { size, mtimeNs }: Candidate): boolean {
  return known.identity.size === size && known.identity.mtimeNs === mtimeNs;
}
