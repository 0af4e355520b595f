import { closeSync } from "node:fs";
import { childOf } from "../../../shared/files/path-text.ts";
import type { DirectoryBook } from "./directory-book.ts";
import type { FollowedFile } from "./followed-file.ts";
import { olderFirst } from "./names.ts";
import type { FolderEntry, FolderSnapshot } from "./snapshot.ts";
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

/** Files that are gone, or whose place other bytes have taken: truncated, replaced, removed while we were away. */
export class Departures {
  constructor(private readonly book: DirectoryBook) {}

  /** The file is gone, or other bytes are in its place. Goes on in its copy, or counts what cannot be read any more. */
  depart(file: FollowedFile, snapshot: FolderSnapshot, taken: Set<bigint>): void {
    const { host } = this.book;
    file.close();
    const copy = file.isBarelyKnown ? undefined : this.findCopy(file, snapshot, taken);
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
    host.report(signals.copyFound, { path: file.path, copy: copy.entry.name, offset: file.offset });
    this.book.rename(file, childOf(this.book.path, copy.entry.name));
    file.recognise(copy.fd);
    this.book.markRotated(file);
    taken.add(copy.entry.inode);
    host.moved(file);
    host.boundOpen(file);
  }

  /** Whether all that was read of it stands at the beginning of another file of its trail. */
  hasCopy(file: FollowedFile, snapshot: FolderSnapshot, taken: ReadonlySet<bigint>): boolean {
    const copy = this.findCopy(file, snapshot, taken);
    if (copy !== undefined) closeSync(copy.fd);
    return copy !== undefined;
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

  /** The file whose content begins with everything that was read of this one. */
  private findCopy(file: FollowedFile, snapshot: FolderSnapshot, taken: ReadonlySet<bigint>) {
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
    for (const entry of candidates) {
      const fd = this.book.openEntry(entry);
      if (fd === undefined) continue;
      if (file.isContainedIn(fd)) return { entry, fd };
      closeSync(fd);
    }
    return undefined;
  }
}
