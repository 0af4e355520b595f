/**
 * A file that one folder does not know may be one that another folder knows: a second name of it, or the file itself, which
 * was moved here, alone or with its folder. Then it goes on here from its position.
 */
import { closeSync } from "node:fs";
import { childOf, nameOf, shownPath } from "../../../shared/files/path-text.ts";
import type { DirectoryBook } from "./directory-book.ts";
import type { KnownFile } from "./file-index.ts";
import { leadsTo } from "./file-stat.ts";
import { FollowedFile } from "./followed-file.ts";
import type { FolderEntry } from "./snapshot.ts";
import { signals } from "./telemetry.ts";

/** What is barely known is met like a new file, by this descriptor. */
type MeetAnew = (entry: FolderEntry, trail: string, fd: number) => void;

export class OtherFolders {
  private readonly saidSame = new Set<string>();
  /** Trails whose log was taken over in this scan with other bytes in it. */
  private uncompared = new Set<string>();

  constructor(
    private readonly book: DirectoryBook,
    private readonly meetAnew: MeetAnew,
  ) {}

  /**
   * Those that no other folder has or had. One that another folder has under a name that still leads to it is left out; one that has
   * no name there any more comes here.
   */
  unknownAnywhere(entries: readonly FolderEntry[]): readonly FolderEntry[] {
    /** Files whose inode is here with other bytes in it, under another name than theirs, and that have no name any more. */
    const emptied: KnownFile<DirectoryBook>[] = [];
    const withoutOthers = entries.filter((entry) => {
      const known = this.knownElsewhere(entry);
      const isOthers = this.has(entry, known);
      // One that cannot be opened may be what it was.
      if (!isOthers && !this.book.unopened.has(entry.inode))
        emptied.push(...known.filter(({ file, book }) => file.isWellKnown && !file.isAside && !isHidden(file, book)));
      return !isOthers;
    });
    return withoutOthers.filter((entry) => !this.goesOnIn(entry, emptied));
  }

  /** Several where an inode was given to a new file while nobody looked at the folder of the old one. */
  private knownElsewhere({ inode, device }: FolderEntry): readonly KnownFile<DirectoryBook>[] {
    const known = this.book.host.index.inOtherFolders(inode, this.book);
    return known.filter(({ file }) => file.isUnverified || file.device === device);
  }

  /** Whether another folder has it. */
  private has(entry: FolderEntry, known: readonly KnownFile<DirectoryBook>[]): boolean {
    const { book } = this;
    for (const { file, book: other } of known) {
      if (isHidden(file, other)) continue;
      if (leadsTo(childOf(other.real, nameOf(file.path)), entry.inode) !== true) continue;
      const path = childOf(book.path, entry.name);
      this.saySame(file.path, path);
      this.noteOtherName(file, path);
      return true;
    }
    const moved = known.find(({ file }) => this.isIn(entry, file)) ?? this.logWithOtherBytes(entry, known);
    if (moved === undefined) return false;
    return this.takeOver(moved.file, moved.book, entry);
  }

  /**
   * Whether it is the rest of a file whose inode came here with other bytes in it: copied and truncated, renamed, and its folder
   * moved, in whatever order. Asked once all were asked for what other folders know by inode.
   */
  private goesOnIn(entry: FolderEntry, emptied: readonly KnownFile<DirectoryBook>[]): boolean {
    const { book } = this;
    const trail = book.trailOf(entry.name);
    if (trail === undefined) return false;
    const found = emptied.find(
      ({ file }) =>
        file.role !== "forgotten" &&
        nameOf(file.trail) === nameOf(trail) &&
        file.inode !== entry.inode &&
        book.begins(entry, file) === true,
    );
    if (found === undefined) return false;
    return this.takeOver(found.file, found.book, entry);
  }

  /** Says once that two names lead to one file. */
  saySame(first: string, second: string): void {
    const key = `${first}\0${second}`;
    if (this.saidSame.has(key)) return;
    if (this.saidSame.size > saidMax) this.saidSame.clear();
    this.saidSame.add(key);
    this.book.host.report(signals.sameFile, { path: shownPath(first), also: shownPath(second) });
  }

  /**
   * Trails of which nothing is concluded in this scan. Their log came here under its name, with other bytes in it: it was
   * copied and truncated before, or its inode was given to a new file. The next scan finds it changed, as if it had been here
   * always, and looks for its copy.
   */
  takeUncompared(): ReadonlySet<string> {
    const taken = this.uncompared;
    this.uncompared = new Set();
    return taken;
  }

  private logWithOtherBytes(
    { name, inode }: FolderEntry,
    known: readonly KnownFile<DirectoryBook>[],
  ): KnownFile<DirectoryBook> | undefined {
    const trail = this.book.trailOf(name);
    if (trail === undefined || nameOf(trail) !== name || this.book.unopened.has(inode)) return undefined;
    const log = known.find(
      ({ file }) => nameOf(file.path) === name && file.path === file.trail && !file.isAside && !file.isBarelyKnown,
    );
    // Its copy stayed where it was: it goes on there, and this is a log of its own.
    if (log === undefined || log.book.hasCopyOf(log.file)) return undefined;
    this.uncompared.add(trail);
    return log;
  }

  /** Of several the one that was found first, for as long as it leads to the file. */
  private noteOtherName(file: FollowedFile, path: string): void {
    const { otherName } = file;
    if (otherName === path || (otherName !== undefined && leadsTo(otherName, file.inode) === true)) return;
    file.otherName = path;
    this.book.host.moved(file);
  }

  private isIn(entry: FolderEntry, file: FollowedFile): boolean {
    if (file.fd !== undefined) return true;
    const isSame = this.book.begins(entry, file);
    if (isSame === undefined) this.book.unopened.add(entry.inode);
    return isSame === true;
  }

  /** It was moved here from another folder: it goes on under its new name. False: it is met like a new one, in this scan. */
  private takeOver(file: FollowedFile, from: DirectoryBook, entry: FolderEntry): boolean {
    const { book } = this;
    const path = childOf(book.path, entry.name);
    const { inode, device } = entry;
    const where = { path, trail: book.trailOf(entry.name) ?? path, inode: inode.toString(), device: device.toString() };
    const cursor = { ...file.cursor(), ...where };
    const barely = file.isBarelyKnown;
    const fd = file.surrender();
    from.release(file);
    if (barely && fd !== undefined) {
      this.meetAnew(entry, cursor.trail, fd);
      book.unsettled = true;
      return false;
    }
    if (fd !== undefined) closeSync(fd);
    // In a folder that cannot be read the old name may lead to it still: when this one is gone, it is asked for under that.
    const otherName = leadsTo(childOf(from.real, nameOf(file.path)), file.inode) === false ? undefined : file.path;
    const taken = FollowedFile.restore(book.host.nextSequence(), { ...cursor, link: undefined, otherName });
    taken.grewMs = book.host.uptimeMs();
    // Its neighbours come with it: which of them are new, it does not say.
    taken.isFirmlyMet = false;
    book.add(taken);
    book.host.moved(taken);
    book.host.report(signals.movedHere, { path: shownPath(path), from: shownPath(file.path) });
    book.unsettled = true;
    return true;
  }
}

/** Closed, and its folder shows nothing of it now: whatever is written to it, or in its place, is seen only under its other names. */
function isHidden(file: FollowedFile, book: DirectoryBook): boolean {
  return file.fd === undefined && !book.sees(nameOf(file.path));
}

const saidMax = 1_000;
