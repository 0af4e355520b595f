/**
 * Files that are not known yet: which of them are read, from where, and in which place of their trail. DESIGN.md has the
 * cases; the rule is that a generation nobody has read is read, and that a copy of what was read is not.
 */
import { closeSync } from "node:fs";
import { basename, join } from "node:path";
import type { DirectoryBook } from "./directory-book.ts";
import { isPrefixOf, readAt } from "./fingerprint.ts";
import { FollowedFile } from "./followed-file.ts";
import { olderFirst } from "./names.ts";
import type { Entry, Snapshot } from "./snapshot.ts";
import { signals } from "./telemetry.ts";

/** Meets the unknown files of one directory. */
export class Newcomers {
  /** Descriptors of files that are met in this scan and were open before: by inode. */
  private readonly held = new Map<bigint, number>();

  constructor(private readonly book: DirectoryBook) {}

  /** Unknown files, trail by trail. */
  meet(unknown: readonly Entry[], snapshot: Snapshot, departed: readonly FollowedFile[]): void {
    const byTrail = Map.groupBy(unknown, (entry) => this.book.trailOf(entry.name) ?? "");
    byTrail.delete("");
    for (const [trail, entries] of byTrail) {
      const rootName = basename(trail);
      const current = this.book.trails.get(trail)?.find((file) => file.path === trail && file.isPresent);
      // While the log itself is what it was, nothing was rotated: what is new beside it is a copy or somebody else's.
      const explained = current?.isFirmlyMet === true;
      // Emptied or still empty when last seen, and removed since: as old as its last write.
      const nameless = (this.book.trails.get(trail) ?? [])
        .filter((file) => !file.isPresent && file.isUnplaced && file.fd !== undefined)
        .map((file) => ({ name: rootName, mtimeNs: file.mtimeNs, meet: () => this.meetNameless(file) }));
      const derived = entries
        .filter(({ name }) => name !== rootName)
        .map((entry) => ({ ...entry, meet: () => this.meetDerived(entry, trail, explained, snapshot, departed) }));
      for (const { meet } of [...nameless, ...derived].sort(olderFirst)) meet();
      const root = entries.find(({ name }) => name === rootName);
      if (root !== undefined) this.meetAsked(root, trail);
    }
  }

  /**
   * A file that was (nearly) empty until now could be anything: bytes may have come, been copied away, and others come since. It
   * is met like a new one, so that it takes its place behind what turns up beside it.
   */
  meetAnew(file: FollowedFile): void {
    const fd = file.surrender();
    if (fd !== undefined) this.held.set(file.inode, fd);
    this.book.forget(file);
  }

  /** Ends a scan: lets go of what nobody took. */
  close(): void {
    for (const fd of this.held.values()) closeSync(fd);
    this.held.clear();
  }

  /** Its place in the trail is found only now. */
  private meetNameless(file: FollowedFile): void {
    this.book.renew(file);
    this.book.forget(file);
  }

  private meetDerived(
    entry: Entry,
    trail: string,
    explained: boolean,
    snapshot: Snapshot,
    departed: readonly FollowedFile[],
  ): void {
    const { host, path } = this.book;
    const meaning = this.book.names.meaning(entry.name);
    const asked = meaning.kind === "asked";
    if (entry.size === 0 && !asked) return;
    const first = host.isFirstLook(path, basename(trail));
    if (meaning.kind === "compressed") {
      if (!first && !explained) {
        host.count("compressed_skipped", 1);
        host.report(signals.compressed, { path: join(path, entry.name) });
      }
      this.setAside(entry, trail);
    } else if (asked && first) {
      this.meetAsked(entry, trail);
    } else if (first || (explained && !asked) || this.isCopy(entry, trail, snapshot, departed)) {
      this.setAside(entry, trail);
    } else {
      const file = this.follow(entry, trail, 0);
      if (file !== undefined) {
        this.book.markRotated(file);
        host.report(signals.rotatedFound, { path: file.path });
      }
    }
  }

  private meetAsked(entry: Entry, trail: string): void {
    const { host } = this.book;
    const ageMs = host.wallMs() - Number(entry.mtimeNs / 1_000_000n);
    const ignored = host.ignoreOlderThanMs !== undefined && ageMs > host.ignoreOlderThanMs;
    const fromEnd =
      !this.held.has(entry.inode) &&
      (ignored || (host.start === "end" && host.isFirstLook(this.book.path, entry.name)));
    this.follow(entry, trail, fromEnd ? entry.size : 0);
  }

  /** Whether its content is (the beginning of) a file that is known, or of one that has just gone. */
  private isCopy(entry: Entry, trail: string, snapshot: Snapshot, departed: readonly FollowedFile[]): boolean {
    const fd = this.book.openEntry(entry);
    if (fd === undefined) return false;
    try {
      if (departed.some((file) => file.trail === trail && file.isWellKnown && file.isContainedIn(fd))) return true;
      const root = snapshot.entries.get(basename(trail));
      const rootFd = root === undefined || root.inode === entry.inode ? undefined : this.book.openEntry(root);
      if (root !== undefined && rootFd !== undefined) {
        const copied = isPrefixOf(fd, entry.size, rootFd, root.size);
        closeSync(rootFd);
        if (copied) return true;
      }
      return (this.book.trails.get(trail) ?? []).some(
        (file) => this.book.canOpen(file) && file.fd !== undefined && isPrefixOf(fd, entry.size, file.fd, file.size),
      );
    } finally {
      closeSync(fd);
    }
  }

  private follow(entry: Entry, trail: string, offset: number): FollowedFile | undefined {
    const fd = this.held.get(entry.inode) ?? this.book.openEntry(entry);
    if (fd === undefined) return undefined;
    this.held.delete(entry.inode);
    const file = new FollowedFile(this.book.host.nextSequence(), join(this.book.path, entry.name), trail, entry);
    file.begin(fd, offset);
    file.grewMs = this.book.host.uptimeMs();
    // From the end means from the next line on.
    file.skipping = offset > 0 && readAt(fd, offset - 1, 1)[0] !== lineFeed;
    // Written between the picture and now: what else happened in between is not known.
    file.isFirmlyMet = !file.isBarelyKnown && file.isAsSeen(entry);
    if (!file.isAsSeen(entry)) this.book.unsettled = true;
    this.book.add(file);
    this.book.host.moved(file);
    this.book.host.report(signals.fileFound, { path: file.path, from: offset, size: entry.size });
    return file;
  }

  private setAside(entry: Entry, trail: string): void {
    const fd = this.book.openEntry(entry);
    if (fd === undefined) return;
    const file = new FollowedFile(this.book.host.nextSequence(), join(this.book.path, entry.name), trail, entry);
    file.aside = true;
    file.begin(fd, 0);
    file.close();
    this.book.add(file);
    this.book.host.moved(file);
  }
}

const lineFeed = 10;
