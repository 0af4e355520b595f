import { closeSync } from "node:fs";
import { childOf } from "../../../shared/files/path-text.ts";
import type { DirectoryBook } from "./directory-book.ts";
import type { FollowedFile } from "./followed-file.ts";
import { olderFirst } from "./names.ts";
import { type FolderEntry, type FolderSnapshot, isOutdated } from "./snapshot.ts";
import { signals } from "./telemetry.ts";

/** What a scan found to be gone. */
export interface Departed {
  readonly files: readonly FollowedFile[];
  /** Closed, without a name here, and looked for in other folders: what became of them is not known yet. */
  readonly sought: readonly FollowedFile[];
  /** Those of `files` that are here with other bytes in them. They are read, unless they are copies. */
  readonly refilled: readonly { readonly entry: FolderEntry; readonly trail: string; readonly offset: number }[];
  /** Trails with a file that changed after the picture was taken: the next one tells. */
  readonly postponed: ReadonlySet<string>;
}

/** What is being concluded from. */
export interface Concluding {
  readonly snapshot: FolderSnapshot;
  /** Inodes of what is known. */
  readonly taken: Set<bigint>;
  /** Files that were known to be changed before the picture was taken. */
  readonly changedBefore: ReadonlySet<FollowedFile>;
  /** What the picture shows of the known files. */
  readonly byInode: ReadonlyMap<bigint, FolderEntry>;
}

/** A file that begins with all that was read of another one, open. */
interface Copy {
  readonly entry: FolderEntry;
  readonly fd: number;
}

/** Files that are gone, or whose place other bytes have taken: truncated, replaced, removed while we were away. */
export class Departures {
  constructor(private readonly book: DirectoryBook) {}

  /**
   * Lets each of them go: reading goes on in its copy, or what cannot be read any more is counted. `gone` are those; of `kept` only
   * the next picture says what became of them.
   */
  partFrom(departed: readonly FollowedFile[], concluding: Concluding): Record<"gone" | "kept", FollowedFile[]> {
    const parted = { gone: [] as FollowedFile[], kept: [] as FollowedFile[] };
    for (const file of departed) {
      const copy = file.isBarelyKnown ? undefined : this.findCopy(file, concluding);
      if (copy === "missed" || (copy === undefined && this.isNewerThan(concluding, file))) {
        parted.kept.push(file);
      } else {
        this.depart(file, copy, concluding);
        parted.gone.push(file);
      }
    }
    return parted;
  }

  /**
   * Other bytes are in a file than what was read, and they came after the picture was taken: a copy that was made of it before that
   * need not be in the picture. The next one has it.
   */
  private isNewerThan({ changedBefore, byInode }: Concluding, file: FollowedFile): boolean {
    const entry = byInode.get(file.inode);
    if (changedBefore.has(file) || file.isBarelyKnown || entry === undefined) return false;
    // What is smaller in the picture than it was changed before that.
    return entry.size >= file.offset && isOutdated(this.book.real, entry);
  }

  /** The file is gone, or other bytes are in its place. */
  private depart(file: FollowedFile, copy: Copy | undefined, { snapshot, taken }: Concluding): void {
    const { host } = this.book;
    file.close();
    if (copy === undefined) {
      // What is barely known may well turn up as a generation that is read.
      if (!file.isBarelyKnown || !this.mayBeRead(file, snapshot, taken))
        this.book.lose(file, file.provenSize, file.provenUnread);
      if (!file.isAside && !file.isBarelyKnown && file.provenUnread === 0)
        this.book.truncated.note(file.trail, file.offset);
      this.book.forget(file);
      return;
    }
    const twin = [...this.book.files].find((other) => other.isAside && other.inode === copy.entry.inode);
    if (twin !== undefined) this.book.forget(twin);
    if (file.awaitsPicture) {
      // What is older may be unknown yet: the copy is met with all the others, by its age.
      closeSync(copy.fd);
      taken.delete(copy.entry.inode);
      this.book.forget(file);
      return;
    }
    host.report(signals.copyFound, { path: file.path, copy: copy.entry.name, offset: file.offset });
    this.book.rename(file, childOf(this.book.path, copy.entry.name));
    file.recognise(copy.fd);
    this.book.markRotated(file);
    taken.add(copy.entry.inode);
    host.moved(file);
    host.boundOpen(file);
  }

  /** Something new beside a log may be its copy, made before it was truncated: the log is looked at first. */
  truncatedRoots(unknown: readonly FolderEntry[]): readonly FollowedFile[] {
    const trails = new Set(unknown.map((entry) => this.book.trailOf(entry.name)));
    return [...this.book.files].filter(
      (file) =>
        !file.isAside &&
        (file.path === file.trail || !file.isPresent) &&
        trails.has(file.trail) &&
        this.isTruncated(file),
    );
  }

  /** Of one that is barely known: a generation that nobody knows yet may hold it, or one that is known begins as it did. */
  private mayBeRead(file: FollowedFile, snapshot: FolderSnapshot, taken: ReadonlySet<bigint>): boolean {
    const { trail, beginning } = file;
    for (const { name, inode } of snapshot.entries.values()) {
      if (!taken.has(inode) && childOf(this.book.path, name) !== trail && this.book.trailOf(name) === trail)
        return true;
    }
    const others = this.book.trails.get(trail)?.filter((other) => other !== file) ?? [];
    return others.some(
      (other) => other.isUnverified || other.beginning.subarray(0, beginning.length).equals(beginning),
    );
  }

  /** A closed one may have been noted with its new size and not been compared yet. */
  private isTruncated(file: FollowedFile): boolean {
    const isIntact = this.book.askOpen(file, () => file.intact());
    if (isIntact !== undefined) return !isIntact;
    const fd = file.isBarelyKnown || !file.isPresent ? undefined : this.book.openAgain(file);
    if (fd === undefined) return false;
    // Not taken, though it has the inode: other bytes are in it.
    closeSync(fd);
    return true;
  }

  /** The file whose content begins with everything that was read of this one. `missed`: one that may be it could not be opened. */
  private findCopy(file: FollowedFile, { snapshot, taken }: Concluding): Copy | "missed" | undefined {
    if (file.isAside) return undefined;
    const asides = new Set([...this.book.files].filter((other) => other.isAside).map((other) => other.inode));
    const candidates = [...snapshot.entries.values()]
      .filter(
        (entry) => childOf(this.book.path, entry.name) !== file.trail && this.book.trailOf(entry.name) === file.trail,
      )
      // Its size in the picture says little: the copy may have been finished, and the log truncated, since.
      .filter((entry) => this.book.names.meaning(entry.name).kind !== "compressed")
      .filter((entry) => !taken.has(entry.inode) || asides.has(entry.inode))
      .sort(olderFirst);
    // With little to go by (a common first line) the oldest is the likeliest; else the one that holds most.
    if (file.isWellKnown) candidates.sort((a, b) => b.size - a.size);
    let isMissed = false;
    for (const entry of candidates) {
      const fd = this.book.openEntry(entry);
      if (fd === undefined) {
        isMissed ||= this.book.renamed.hasMissed(entry.inode);
        continue;
      }
      if (file.isContainedIn(fd)) return { entry, fd };
      closeSync(fd);
    }
    return isMissed ? "missed" : undefined;
  }
}
