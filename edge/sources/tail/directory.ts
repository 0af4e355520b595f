/**
 * One directory: knows its files again whatever they are called now, notices new ones, and tells generations that were
 * missed from mere copies. The cases and the reasons stand in DESIGN.md.
 *
 * A scan takes one consistent picture (snapshot.ts) and goes through it in this order:
 *   1. files that are known, by inode; those that were closed are opened and compared before they are believed;
 *   2. known files that are gone or were truncated: their unread rest is looked for in a copy, else counted as lost;
 *   3. unknown files, trail by trail, old to new: read, or set aside.
 */
import { closeSync } from "node:fs";
import { childOf, nameOf, shownPath } from "../../../shared/files/path-text.ts";
import { type Concluding, Departures } from "./departures.ts";
import { DirectoryBook, type DirectoryHost } from "./directory-book.ts";
import type { Note } from "./discover.ts";
import type { FollowedFile } from "./followed-file.ts";
import { Newcomers } from "./newcomers.ts";
import { entriesByInode, type FolderEntry, type FolderSnapshot, takeSnapshot } from "./snapshot.ts";
import { signals } from "./telemetry.ts";
import { UnnamedFiles } from "./unnamed-files.ts";

/** How the known files fare. */
interface Roll {
  /** No name leads to them. */
  readonly missing: FollowedFile[];
  /** Gone, or not what they were. */
  readonly departed: FollowedFile[];
  /** Inodes of those that are there. */
  readonly taken: Set<bigint>;
  /** Device numbers under which files that are there were known. */
  readonly devicesBefore: Set<bigint>;
}

/** Follows the files of one directory. */
export class Directory {
  readonly book: DirectoryBook;
  /** Known here, and not to be read: no pattern names them. */
  readonly unnamed: UnnamedFiles;
  /** Whether it exists, as far as known. */
  present = false;

  private readonly newcomers: Newcomers;
  private readonly departures: Departures;
  private readonly changed = new Set<FollowedFile>();
  private readonly waiting = new Set<FollowedFile>();
  /** Closed, not found by the last look that could conclude, and kept all the same. */
  private unfound = new Set<FollowedFile>();

  constructor(
    readonly path: string,
    host: DirectoryHost,
  ) {
    this.book = new DirectoryBook(path, host);
    this.unnamed = new UnnamedFiles(this.book);
    this.newcomers = new Newcomers(this.book);
    this.departures = new Departures(this.book);
  }

  /** The reader found that the content is not what was read: the next scan finds out what happened. */
  noteChanged(file: FollowedFile): void {
    this.changed.add(file);
    this.book.unsettled = true;
  }

  /** Waits for the next scan: what comes after it in its trail has to wait as well. */
  awaitsScan(file: FollowedFile): boolean {
    return this.changed.has(file) || this.waiting.has(file) || file.awaitsPicture;
  }

  /** Nothing leads to it just now: those after it do not wait for it, and only a scan can find it. */
  isOutOfReach(file: FollowedFile): boolean {
    return file.fd === undefined && (file.isElsewhere || this.unfound.has(file));
  }

  /** The reader cannot go on before the next scan: it is barely known, or its path leads elsewhere. */
  hold(file: FollowedFile): void {
    this.waiting.add(file);
    this.book.unsettled = true;
  }

  /**
   * Looks at everything. What is in the way of it is given to `obstacle`.
   *
   * @throws the system's error when the directory cannot be read.
   */
  scan(obstacle: Note): void {
    this.book.unsettled = false;
    this.book.obstacle = obstacle;
    this.book.unopened.clear();
    this.book.renamed.begin();
    const snapshot = this.picture();
    this.book.isUnreadable = false;
    this.present = snapshot !== undefined;
    if (snapshot === undefined) {
      this.absent();
      return;
    }
    this.book.last = snapshot;
    this.noteObstacles(snapshot);
    try {
      const leftAlone = snapshot.settled ? this.unnamed.find(snapshot) : [];
      const unsure = [...this.book.files].filter((file) => !file.isFirmlyMet);
      const roll = this.callTheRoll(snapshot);
      for (const inode of leftAlone) roll.taken.add(inode);
      if (snapshot.settled) this.conclude(snapshot, roll);
      else this.book.unsettled = true;
      for (const file of unsure) file.isFirmlyMet = snapshot.settled && !file.isBarelyKnown;
    } finally {
      this.newcomers.close();
    }
  }

  /** Names of links that the config asks for. */
  get links(): readonly string[] {
    const { last, names } = this.book;
    return last?.links.filter((name) => names.meaning(name).kind === "asked") ?? [];
  }

  /** What stands where a log should be, and what could not be looked at. */
  private noteObstacles({ others, obscured, unlisted }: FolderSnapshot): void {
    const { book } = this;
    if (unlisted !== undefined) book.obstacle(book.path, "it may not be listed: rotated names in it are not found");
    for (const [name, kind] of others) {
      const isMeant = kind !== "a folder" || book.host.isNamed(book.path, name);
      if (isMeant && book.names.meaning(name).kind === "asked")
        book.obstacle(childOf(book.path, name), `it is ${kind}`);
    }
    for (const [name, error] of obscured) book.obstacle(childOf(book.path, name), error);
  }

  /** Which of the known files are there, and still what they were. */
  private callTheRoll(snapshot: FolderSnapshot): Roll {
    const roll: Roll = { missing: [], departed: [], taken: new Set(), devicesBefore: new Set() };
    const byInode = entriesByInode(snapshot, this.book.knownNames());
    for (const file of [...this.book.files]) {
      const entry = byInode.get(file.inode);
      if (this.changed.has(file)) {
        if (entry !== undefined || file.fd === undefined) roll.departed.push(file);
        else this.startOver(file, roll.departed);
      } else if (entry === undefined || this.isOnAnotherDisk(file, entry)) {
        roll.missing.push(file);
      } else if (snapshot.settled && this.isToMeetAnew(file, entry)) {
        if (this.isOther(file, entry)) roll.departed.push(file);
        else this.newcomers.meetAnew(file);
      } else {
        const device = file.device;
        const known = this.place(file, entry);
        if (known === "other") roll.departed.push(file);
        else if (file.role !== "forgotten") roll.taken.add(entry.inode);
        if (known === "same") roll.devicesBefore.add(device);
      }
    }
    return roll;
  }

  /**
   * The inode's number is that of an open file, and the disk is another one: something else was mounted there, or the
   * same once more. If it is the same file it is taken up there.
   */
  private isOnAnotherDisk(file: FollowedFile, entry: FolderEntry): boolean {
    if (file.fd === undefined || file.device === entry.device) return false;
    const fd = this.book.openEntry(entry);
    if (fd === undefined || file.recognise(fd)) return false;
    closeSync(fd);
    return true;
  }

  /** There is little to know it by, and more than that, or something else, is in it now. */
  private isToMeetAnew(file: FollowedFile, entry: FolderEntry): boolean {
    if (!file.isBarelyKnown) return false;
    if (file.isUnverified || entry.size - file.blank > file.headLength) return true;
    // Closed, nobody saw what was done to it.
    return file.fd === undefined && file.headLength > 0 && (!file.isAsSeen(entry) || this.waiting.has(file));
  }

  /** Closed and barely known: its inode was given to a new file, or other bytes are in it. */
  private isOther(file: FollowedFile, entry: FolderEntry): boolean {
    if (file.fd !== undefined || file.headLength === 0) return false;
    return this.book.begins(entry, file) === false;
  }

  /** What follows from what is missing, changed and new; only from a picture that stood still. */
  private conclude(snapshot: FolderSnapshot, { missing, departed, taken, devicesBefore }: Roll): void {
    this.book.conclusions++;
    for (const file of this.changed) this.book.awake.add(file.trail);
    for (const file of this.waiting) this.book.awake.add(file.trail);
    const changedBefore = new Set(this.changed);
    const late = [...this.book.files].filter(({ isMetLate }) => isMetLate);
    this.changed.clear();
    this.waiting.clear();
    const unknown = () => [...snapshot.entries.values()].filter((entry) => !taken.has(entry.inode));
    const sought: FollowedFile[] = [];
    const kept: FollowedFile[] = [];
    for (const file of missing) {
      const fate = this.fateOf(file, snapshot, devicesBefore);
      (fate === "gone" ? departed : kept).push(file);
      if (fate === "sought") sought.push(file);
    }
    this.noteUnfound(kept);
    for (const file of this.departures.truncatedRoots(unknown())) {
      if (departed.includes(file)) continue;
      if (taken.delete(file.inode)) departed.push(file);
      else this.startOver(file, departed);
    }
    const refillable = this.refilled(departed, snapshot);
    // In most scans nothing has departed, and a folder may be large.
    const byInode = departed.length === 0 ? new Map() : entriesByInode(snapshot, this.book.knownNames());
    const concluding: Concluding = { snapshot, taken, changedBefore, byInode };
    const { gone, kept: uncertain } = this.departures.partFrom(departed, concluding);
    const postponed = this.postpone(uncertain, concluding);
    const refilled = refillable.filter(({ file }) => !uncertain.includes(file));
    this.meetLateAnew(unknown(), taken, postponed);
    this.newcomers.meet(unknown(), snapshot, { files: gone, sought, refilled, postponed });
    this.newcomers.settleSlipped(snapshot);
    this.book.noteMet(late.filter(({ trail }) => !postponed.has(trail)));
    for (const file of this.book.files) {
      if (file.isPresent) continue;
      file.meet();
      file.isFirmlyMet = true;
    }
  }

  /** Of these only the next picture says what became of them. Answers the trails of which nothing is concluded until then. */
  private postpone(files: readonly FollowedFile[], { taken, byInode }: Concluding): ReadonlySet<string> {
    for (const file of files) {
      taken.add(file.inode);
      (byInode.has(file.inode) ? this.changed : this.waiting).add(file);
      this.book.unsettled = true;
    }
    return new Set(files.map(({ trail }) => trail));
  }

  /** A log that was met late, and beside it a generation that nobody knows yet: it takes its place after that. */
  private meetLateAnew(unknown: readonly FolderEntry[], taken: Set<bigint>, postponed: ReadonlySet<string>): void {
    const late = [...this.book.files].filter(({ awaitsPicture }) => awaitsPicture);
    if (late.length === 0) return;
    const trails = new Set(unknown.map(({ name }) => this.book.trailOf(name)));
    for (const file of late) {
      if (!trails.has(file.trail) || postponed.has(file.trail) || !taken.delete(file.inode)) continue;
      this.newcomers.meetAnew(file);
    }
  }

  private picture(): FolderSnapshot | undefined {
    const { book } = this;
    const wanted = (name: string) =>
      book.isTracked(name) || book.names.meaning(name).kind !== "none" || this.newcomers.expects(name);
    const literal = book.host.literalNames(book.path);
    const snapshot = takeSnapshot(book.real, wanted, book.last?.entries, literal);
    if (snapshot === undefined) return undefined;
    const inodes = new Set([...snapshot.entries.values()].map((entry) => entry.inode));
    // A file that has none of the expected names may have any other.
    const astray = [...this.book.files].some((file) => {
      if (inodes.has(file.inode) || file.isElsewhere) return false;
      file.look(this.book.host.uptimeMs());
      return !file.isDeleted;
    });
    return astray ? takeSnapshot(book.real, () => true, undefined, literal) : snapshot;
  }

  /** The directory is not there: unmounted, or removed. What is open is read on; what is closed is kept in mind. */
  private absent(): void {
    this.book.last = undefined;
    this.book.noteMet(this.book.files);
    this.waiting.clear();
    this.noteUnfound(this.book.files);
    for (const file of this.book.files) {
      if (file.fd === undefined) continue;
      file.look(this.book.host.uptimeMs());
      this.book.noteNameless(file);
    }
    for (const file of this.book.files) if (!file.isPresent) file.meet();
  }

  /** The reader would look for the closed ones of these again and again. It goes on with those that were found again. */
  private noteUnfound(missing: Iterable<FollowedFile>): void {
    const before = this.unfound;
    this.unfound = new Set([...missing].filter(({ fd }) => fd === undefined));
    for (const file of before) if (!this.unfound.has(file)) this.book.awake.add(file.trail);
  }

  /** A known inode has this name now. `other`: it is not the same file any more. */
  private place(file: FollowedFile, entry: FolderEntry): "same" | "other" | "unknown" {
    const { host } = this.book;
    const path = childOf(this.path, entry.name);
    const moved = file.path !== path;
    const meaning = this.book.names.meaning(entry.name);
    if (file.isAside && meaning.kind === "asked" && this.book.rootOf(entry.name) === entry.name) {
      // It was set aside under a derived name and has become the log itself.
      this.book.forget(file);
      return "unknown";
    }
    if (file.fd === undefined && file.isBarelyKnown) {
      // Closed, and there is nothing to compare: with the same inode and no more bytes it is what it was.
    } else if (file.fd === undefined && (moved || !file.isAsSeen(entry) || this.waiting.has(file))) {
      // Renamed once more since the picture was taken, the name is another file's: that says nothing of this one.
      const fd = this.book.openEntry(entry);
      if (fd === undefined) {
        file.noteUncompared(entry.size);
        // Looked for under the name it seems to have now: under its old one the reader would wait for it, and with it
        // the files after it, for as long as it cannot be compared.
        if (moved) {
          this.book.rename(file, path);
          host.moved(file);
        }
        return "unknown";
      }
      if (!file.recognise(fd)) {
        closeSync(fd);
        return "other";
      }
      if (file.isAside) file.close();
    }
    // Renamed, and perhaps truncated before that: then the new name is another generation's.
    if (moved && !file.isAside && file.fd !== undefined && !file.intact()) return "other";
    file.noteStat(entry.size, entry.mtimeNs, host.uptimeMs());
    this.prove(file);
    if (moved) {
      this.book.rename(file, path);
      host.moved(file);
    }
    const rotated = meaning.kind !== "asked" || this.book.rootOf(entry.name) !== entry.name;
    const wasRotated = file.isRotated;
    file.whereabouts = rotated ? "rotated" : "log";
    if (rotated && !wasRotated) this.book.markRotated(file);
    if (file.fd !== undefined) host.boundOpen(file);
    return "same";
  }

  /**
   * What was read, and is here with other bytes in it: truncated and written anew, under whatever name. While a descriptor
   * leads to it, it is no other file; closed, its inode may have been given to one that nobody asks for, or to a copy of
   * another log, unless that has its name.
   */
  private refilled(departed: readonly FollowedFile[], snapshot: FolderSnapshot) {
    const files = new Map(departed.filter(({ isAside }) => !isAside).map((file) => [file.inode, file] as const));
    return [...snapshot.entries.values()].flatMap((entry) => {
      const file = files.get(entry.inode);
      if (file === undefined) return [];
      const isSame = file.fd !== undefined || file.path === childOf(this.path, entry.name);
      const isMeant = isSame || this.book.trailOf(entry.name) === file.trail;
      return isMeant ? [{ file, entry, trail: file.trail, offset: file.offset }] : [];
    });
  }

  /** A file without a name was truncated: only its descriptor leads to what is written now. */
  private startOver(file: FollowedFile, departed: FollowedFile[]): void {
    departed.push(file);
    this.book.host.report(signals.truncated, { path: shownPath(file.path), offset: file.offset });
    this.book.renew(file);
  }

  /** While reading has to wait, what is there to be read is looked at: should it be removed, its loss is known. */
  private prove(file: FollowedFile): void {
    if (file.fd === undefined || file.size - file.blank <= file.provenSize || !file.intact()) return;
    const waiting = file.provenUnread > 0;
    file.provenSize = file.size - file.blank;
    if (waiting) this.book.host.moved(file);
  }

  /** No name here leads to it. `gone`: nothing else does either. `sought`: that is not known yet. */
  private fateOf(
    file: FollowedFile,
    snapshot: FolderSnapshot,
    devicesBefore: ReadonlySet<bigint>,
  ): "gone" | "sought" | "kept" {
    if (file.fd !== undefined) {
      file.look(this.book.host.uptimeMs());
      // What could not be looked at may be it: it is closed when it is quiet, and not forgotten.
      if (file.isDeleted || snapshot.obscured.size === 0) this.book.noteNameless(file);
      return "kept";
    }
    // What could not be looked at may be it; a link of its name leads to it in another folder, which takes it over.
    if (snapshot.obscured.size > 0 || snapshot.links.includes(nameOf(file.path))) return "kept";
    if (this.book.host.mayBeElsewhere(this.book, file)) {
      this.book.unsettled = true;
      return "sought";
    }
    if (this.book.host.isOutOfReach(file)) {
      file.whereabouts = "outOfReach";
      return "kept";
    }
    // Under another device number this may be an empty mount point: gone only if its companions were found.
    return file.device === snapshot.device || devicesBefore.has(file.device) ? "gone" : "kept";
  }
}
