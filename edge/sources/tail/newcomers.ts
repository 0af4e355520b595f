/**
 * Files that are not known yet: which of them are read, from where, and in which place of their trail. DESIGN.md has the
 * cases; the rule is that a generation nobody has read is read, and that a copy of what was read is not.
 */
import { closeSync, fstatSync } from "node:fs";
import { childOf, nameOf, shownPath } from "../../../shared/files/path-text.ts";
import { endOfText } from "./blank.ts";
import { Copies } from "./copies.ts";
import type { Departed } from "./departures.ts";
import type { DirectoryBook } from "./directory-book.ts";
import { readAt, tailBytesMax } from "./fingerprint.ts";
import { FollowedFile } from "./followed-file.ts";
import { olderFirst } from "./names.ts";
import { OtherFolders } from "./other-folders.ts";
import type { FolderEntry, FolderSnapshot } from "./snapshot.ts";
import { BeforeUs } from "./stored-files.ts";
import { signals } from "./telemetry.ts";
import { heldBytes } from "./truncated-logs.ts";

/** A file that is known to be one of a trail, though nothing is known of what it holds. */
interface Fresh {
  readonly name: string;
  readonly trail: string;
  /** How far it was read, when it was truncated since. */
  readonly readTo?: number;
}

/** `later`: whether it is read, and in which place, only the next picture says. */
type Meeting = "done" | "later";

/** Meets the unknown files of one directory. */
export class Newcomers {
  /** Descriptors of files that are met in this scan and were open before: by inode. */
  private readonly held = new Map<bigint, number>();
  /**
   * Files that are met anew: what is in them came since, whatever `start` says, and whatever is beside them. By inode, until
   * they could be opened.
   */
  private readonly fresh = new Map<bigint, Fresh>();
  /** Logs that were seen with bytes in them and had lost their name before they could be opened: by inode. */
  private readonly slipped = new Map<bigint, FolderEntry>();
  private readonly justSlipped = new Set<bigint>();
  private readonly copies: Copies;
  private readonly otherFolders: OtherFolders;

  constructor(private readonly book: DirectoryBook) {
    this.copies = new Copies(book);
    this.otherFolders = new OtherFolders(book, (entry, trail, fd) => {
      this.hold(entry.inode, fd);
      this.fresh.set(entry.inode, { name: entry.name, trail });
    });
  }

  /** Unknown files, trail by trail. */
  meet(unknown: readonly FolderEntry[], snapshot: FolderSnapshot, departed: Departed): void {
    const unknownInodes = new Set(unknown.map(({ inode }) => inode));
    // The rest of another log was found in it: it is known again.
    for (const { inode } of snapshot.entries.values()) if (!unknownInodes.has(inode)) this.fresh.delete(inode);
    for (const { entry, trail, offset } of departed.refilled) {
      if (unknownInodes.has(entry.inode)) this.fresh.set(entry.inode, { name: entry.name, trail, readTo: offset });
    }
    const byTrail = Map.groupBy(
      this.oneNameEach(unknown),
      ({ name, inode }) => this.book.trailOf(name) ?? this.fresh.get(inode)?.trail ?? "",
    );
    byTrail.delete("");
    for (const trail of [...this.otherFolders.takeUncompared(), ...departed.postponed]) byTrail.delete(trail);
    for (const [trail, entries] of byTrail) {
      const rootName = nameOf(trail);
      const known = [...(this.book.trails.get(trail) ?? []), ...departed.files.filter((file) => file.trail === trail)];
      if (entries.length > 1) this.noteUnseenRotations(known, entries, snapshot);
      const rootInode = snapshot.entries.get(rootName)?.inode;
      const current = this.book.trails
        .get(trail)
        ?.find((file) => file.path === trail && file.isPresent && file.inode === rootInode);
      // While the log itself is what it was, nothing was rotated: what is new beside it is a copy or somebody else's.
      const explained = current?.isFirmlyMet === true;
      // Emptied or still empty when last seen, and removed since: as old as its last write. It has its place after one scan.
      const nameless = (this.book.trails.get(trail) ?? [])
        .filter((file) => !file.isPresent && file.offset === 0 && !file.isFirmlyMet && file.fd !== undefined)
        .map((file) => ({ name: rootName, mtimeNs: file.mtimeNs, meet: () => this.meetNameless(file) }));
      const derived = entries
        .filter(({ name }) => name !== rootName)
        .map((entry) => ({
          ...entry,
          meet: () => this.meetDerived(entry, trail, explained, snapshot, departed),
        }));
      // A compressed one has no place, and is judged by whether the file that it is made of is known: so it comes last.
      const isCompressed = ({ name }: { readonly name: string }) => this.book.names.meaning(name).kind === "compressed";
      const placed = [...nameless, ...derived.filter((each) => !isCompressed(each))].sort(olderFirst);
      // Those after one that is not known yet take their places when it is.
      const isComplete = [...placed, ...derived.filter(isCompressed)].every(({ meet }) => meet() !== "later");
      const root = entries.find(({ name }) => name === rootName);
      if (!isComplete) this.book.unsettled = true;
      else if (root !== undefined) this.meetAsked(root, trail);
    }
  }

  /**
   * A file that was (nearly) empty until now could be anything: bytes may have come, been copied away, and others come since. It
   * is met like a new one, so that it takes its place behind what turns up beside it.
   */
  meetAnew(file: FollowedFile): void {
    const fd = file.surrender();
    if (fd !== undefined) this.hold(file.inode, fd);
    this.fresh.set(file.inode, { name: nameOf(file.path), trail: file.trail });
    this.book.forget(file);
  }

  /**
   * What slipped away before it could be opened is found again under another name, or it was removed: then what was seen
   * of it is lost. Only from a picture that stood still.
   */
  settleSlipped(snapshot: FolderSnapshot): void {
    if (this.slipped.size === 0 && this.fresh.size === 0) return;
    const inodes = new Set([...snapshot.entries.values()].map(({ inode }) => inode));
    for (const inode of this.fresh.keys())
      if (!inodes.has(inode) && snapshot.obscured.size === 0) this.fresh.delete(inode);
    for (const [inode, { name, size }] of this.slipped) {
      const isThere = inodes.has(inode);
      // Met just now and gone once more, or hidden: the next picture tells.
      if (this.justSlipped.has(inode) || (!isThere && snapshot.obscured.size > 0)) continue;
      this.slipped.delete(inode);
      if (!isThere) this.book.loseUnseen(childOf(this.book.path, name), size);
    }
    this.justSlipped.clear();
  }

  /**
   * The youngest file that was known has no name any more, and rotated ones that nobody knows are there: the log was
   * rotated more often between two looks than files are kept, or just as often. Which of both, nobody can know,
   * unless the youngest is there compressed: older files go first, so nothing younger was removed.
   */
  private noteUnseenRotations(
    known: readonly FollowedFile[],
    entries: readonly FolderEntry[],
    snapshot: FolderSnapshot,
  ): void {
    const youngest = known.filter(({ isAside }) => !isAside).toSorted((a, b) => b.sequence - a.sequence)[0];
    if (youngest === undefined) return;
    for (const { inode } of snapshot.entries.values()) if (inode === youngest.inode) return;
    if (this.isCompressedBeside(youngest, snapshot)) return;
    const { report } = this.book.host;
    report(signals.rotationsUnseen, { path: shownPath(youngest.trail), found: entries.length - 1 });
  }

  /** Whether a gzip file of its trail holds as much as it. Looked at only when something would be said otherwise. */
  private isCompressedBeside(file: FollowedFile, snapshot: FolderSnapshot): boolean {
    const size = file.fd === undefined ? file.size : fstatSync(file.fd).size;
    if (size === 0) return false;
    for (const entry of snapshot.entries.values()) {
      if (!entry.name.endsWith(".gz") || this.book.names.meaning(entry.name).kind !== "compressed") continue;
      if (this.book.trailOf(entry.name) !== file.trail) continue;
      const fd = this.book.openEntry(entry);
      if (fd === undefined) continue;
      try {
        if (heldBytes(fd) === size % 2 ** 32) return true;
      } finally {
        closeSync(fd);
      }
    }
    return false;
  }

  private hold(inode: bigint, fd: number): void {
    this.held.set(inode, fd);
    this.book.host.openCount.add(1);
  }

  /** Ends a scan: lets go of what nobody took. */
  close(): void {
    for (const fd of this.held.values()) {
      closeSync(fd);
      this.book.host.openCount.add(-1);
    }
    this.held.clear();
  }

  /** Whether a file of this name is still to be met, though the name may say nothing. */
  expects(name: string): boolean {
    for (const fresh of this.fresh.values()) if (fresh.name === name) return true;
    return false;
  }

  /** Of several names of one file the one that the config asks for; without files that another folder has. */
  private oneNameEach(unknown: readonly FolderEntry[]): readonly FolderEntry[] {
    const chosen = new Map<bigint, FolderEntry>();
    for (const entry of unknown) {
      const rank = this.rankOf(entry.name);
      if (rank === 0 && !this.fresh.has(entry.inode)) continue;
      const other = chosen.get(entry.inode);
      if (other === undefined) {
        chosen.set(entry.inode, entry);
        continue;
      }
      const [first, second] = rank > this.rankOf(other.name) ? [entry, other] : [other, entry];
      chosen.set(entry.inode, first);
      this.otherFolders.saySame(first.name, second.name);
    }
    return this.otherFolders.unknownAnywhere([...chosen.values()]);
  }

  /** Of several names of one file the one that says most counts: a log's, then a generation's. 0: it says nothing. */
  private rankOf(name: string): 0 | 1 | 2 {
    const { kind } = this.book.names.meaning(name);
    if (kind === "none") return 0;
    return kind === "asked" && this.book.rootOf(name) === name ? 2 : 1;
  }

  /** Its place in the trail is found only now. */
  private meetNameless(file: FollowedFile): Meeting {
    this.book.renew(file);
    this.book.forget(file);
    return "done";
  }

  private meetDerived(
    entry: FolderEntry,
    trail: string,
    explained: boolean,
    snapshot: FolderSnapshot,
    departed: Departed,
  ): Meeting {
    const { host, path } = this.book;
    const meaning = this.book.names.meaning(entry.name);
    const asked = meaning.kind === "asked";
    const isFresh = this.fresh.has(entry.inode);
    const first = this.book.isFirstLook(nameOf(trail));
    // Perhaps a copy that begins; an empty generation that was missed may have a late writer.
    if (entry.size === 0 && !asked && !isFresh && (first || explained)) return "done";
    if (meaning.kind === "compressed") {
      const wasRead = () =>
        this.book.wasRead(trail, entry.name) ||
        this.book.truncated.isCopy(trail, entry.name, () => this.book.openEntry(entry));
      if (!first && !explained && !wasRead()) {
        host.report(signals.compressed, { path: childOf(path, entry.name) });
      }
      this.setAside(entry, trail);
    } else if (asked && first) {
      this.meetAsked(entry, trail);
    } else if (this.slipped.get(entry.inode)?.name === nameOf(trail)) {
      // It was the log when it was seen: no copy, and not set aside.
      const file = this.follow(entry, trail, 0);
      if (file !== undefined) this.book.markRotated(file);
    } else if (!isFresh && (first || (explained && !asked))) {
      this.setAside(entry, trail);
    } else {
      const file = this.followOwn(entry, trail, snapshot, departed);
      if (file === "later" || file === "done") return file;
      this.book.markRotated(file);
      if (!isFresh) host.report(signals.rotatedFound, { path: file.path });
    }
    return this.meetingOf(entry);
  }

  private meetingOf({ inode }: FolderEntry): Meeting {
    return this.book.renamed.hasMissed(inode) ? "later" : "done";
  }

  private meetAsked(entry: FolderEntry, trail: string): void {
    const { host } = this.book;
    const ageMs = host.wallMs() - Number(entry.mtimeNs / 1_000_000n);
    const ignored = host.ignoreOlderThanMs !== undefined && ageMs > host.ignoreOlderThanMs;
    const fromEnd =
      !this.fresh.has(entry.inode) && (ignored || (host.start === "end" && this.book.isFirstLook(entry.name)));
    const before = host.before.get(entry.inode);
    const from = before === undefined ? (fromEnd ? entry.size : 0) : Math.min(before.size, entry.size);
    if (this.follow(entry, trail, from) === undefined) {
      if (this.book.unsettled && from === 0 && entry.size > 0 && nameOf(trail) === entry.name) {
        this.slipped.set(entry.inode, entry);
        this.justSlipped.add(entry.inode);
      }
      if (from === 0 || before !== undefined) return;
      const there = new BeforeUs(entry.inode, from);
      host.before.set(entry.inode, there);
      host.moved(there);
    } else if (before !== undefined) {
      before.forgotten = true;
      host.before.delete(entry.inode);
      host.moved(before);
    }
  }

  /** Reads it from its beginning, unless it is a copy; when nobody can say yet, the next scan tells. */
  private followOwn(
    entry: FolderEntry,
    trail: string,
    snapshot: FolderSnapshot,
    departed: Departed,
  ): FollowedFile | Meeting {
    const isFresh = this.fresh.has(entry.inode);
    const held = this.held.get(entry.inode);
    const fd = held ?? this.book.openEntry(entry);
    if (fd === undefined) return this.meetingOf(entry);
    const { size, nlink } = fstatSync(fd);
    // Of a file that is known to be one of the trail, with less there is nothing to tell a copy by.
    const isComparable = !isFresh || size >= tailBytesMax;
    const verdict = isComparable ? this.copies.judge({ entry, trail, fd, size }, snapshot, departed) : "own";
    if (held === undefined) closeSync(fd);
    if (verdict === "unsure" && nlink > 0) return "later";
    if (verdict !== "copy")
      return this.follow(entry, trail, 0, nlink === 0 ? undefined : size) ?? this.meetingOf(entry);
    this.setAside(entry, trail);
    return this.meetingOf(entry);
  }

  /** @param judgedSize so much was there when it was found to be no copy. */
  private follow(entry: FolderEntry, trail: string, from: number, judgedSize?: number): FollowedFile | undefined {
    const fd = this.held.get(entry.inode) ?? this.book.openEntry(entry);
    if (fd === undefined) return undefined;
    if (this.held.delete(entry.inode)) this.book.host.openCount.add(-1);
    const file = new FollowedFile(this.book.host.nextSequence(), childOf(this.book.path, entry.name), trail, entry);
    const offset = from === 0 ? 0 : endOfText(fd, from);
    file.begin(fd, offset);
    if (judgedSize !== undefined && judgedSize < tailBytesMax && file.size > judgedSize) {
      // A copy that was just begun says what it is only now.
      this.hold(entry.inode, file.surrender() ?? fd);
      this.book.unsettled = true;
      return undefined;
    }
    file.grewMs = this.book.host.uptimeMs();
    // From the end means from the next line on.
    file.skipping = offset > 0 && readAt(fd, offset - 1, 1)[0] !== lineFeed;
    // Written between the picture and now: what else happened in between is not known.
    file.isFirmlyMet = !file.isBarelyKnown && file.isAsSeen(entry);
    const isLate = !file.isAsSeen(entry);
    if (isLate) this.book.unsettled = true;
    const { host } = this.book;
    this.book.add(file);
    file.isMetLate = isLate && file.path === trail;
    host.moved(file);
    const readTo = this.fresh.get(entry.inode)?.readTo;
    this.fresh.delete(entry.inode);
    if (readTo !== undefined && readTo > 0)
      host.report(signals.truncated, { path: shownPath(file.path), offset: readTo });
    host.report(signals.fileFound, this.book.describe(file));
    host.boundOpen(file);
    return file;
  }

  private setAside(entry: FolderEntry, trail: string): void {
    const fd = this.book.openEntry(entry);
    if (fd === undefined) return;
    const file = new FollowedFile(this.book.host.nextSequence(), childOf(this.book.path, entry.name), trail, entry);
    file.role = "aside";
    file.begin(fd, 0);
    file.close();
    this.book.add(file);
    this.book.host.moved(file);
    const readTo = this.fresh.get(entry.inode)?.readTo;
    this.fresh.delete(entry.inode);
    if (readTo !== undefined) {
      this.book.host.report(signals.overwritten, { path: shownPath(file.path), offset: readTo });
    }
  }
}

const lineFeed = 10;
