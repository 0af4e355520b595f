/**
 * One directory: knows its files again whatever they are called now, notices new ones, and tells generations that were
 * missed from mere copies. The cases and the reasons stand in DESIGN.md.
 *
 * A scan takes one consistent picture (snapshot.ts) and goes through it in this order:
 *   1. files that are known, by inode; those that were closed are opened and compared before they are believed;
 *   2. known files that are gone or were truncated: their unread rest is looked for in a copy, else counted as lost;
 *   3. unknown files, trail by trail, old to new: read, or set aside.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { basename, join } from "node:path";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Positioned } from "../../core/source.ts";
import { isPrefixOf, readAt } from "./fingerprint.ts";
import { FollowedFile } from "./followed-file.ts";
import { Names, olderFirst } from "./names.ts";
import { type Entry, type Snapshot, takeSnapshot } from "./snapshot.ts";
import { signals } from "./telemetry.ts";

/** What a directory needs from its source. */
export interface DirectoryHost {
  readonly report: Report;
  readonly start: "beginning" | "end";
  readonly ignoreOlderThanMs: number | undefined;
  /** Whether the config asks for files of this name here. */
  matches(directory: string, name: string): boolean;
  excluded(directory: string, name: string): boolean;
  /** Whether no pattern that asks for this name was ever looked at before: what is there now was there before us. */
  isFirstLook(directory: string, name: string): boolean;
  nextSequence(): number;
  uptimeMs(): number;
  wallMs(): number;
  moved(what: Positioned): void;
  count(name: string, amount: number): void;
}

export class Directory {
  /** All that is known here, set aside or not. */
  readonly files = new Set<FollowedFile>();
  /** Files to read, from old to new, by the path of their root. */
  readonly trails = new Map<string, FollowedFile[]>();
  /** Something is left to find out: scan again soon. */
  unsettled = false;
  /** Whether it exists, as far as known. */
  present = false;

  private readonly names: Names;
  private readonly changed = new Set<FollowedFile>();
  private readonly waiting = new Set<FollowedFile>();
  /** Descriptors of files that are met in this scan and were open before: by inode. */
  private readonly held = new Map<bigint, number>();
  private last: Snapshot | undefined;

  constructor(
    readonly path: string,
    private readonly host: DirectoryHost,
  ) {
    this.names = new Names(
      (name) => host.matches(path, name),
      (name) => host.excluded(path, name),
    );
  }

  /** The file that is known under this name now. */
  fileNamed(name: string): FollowedFile | undefined {
    const path = join(this.path, name);
    for (const file of this.files) if (file.path === path && !file.aside && file.isPresent) return file;
    return undefined;
  }

  /** Takes a file as it was stored. */
  restore(file: FollowedFile): void {
    this.add(file);
  }

  /** The reader found that the content is not what was read: the next scan finds out what happened. */
  noteChanged(file: FollowedFile): void {
    this.changed.add(file);
    this.unsettled = true;
  }

  /** Waits for the next scan: what comes after it in its trail has to wait as well. */
  awaitsScan(file: FollowedFile): boolean {
    return this.changed.has(file) || this.waiting.has(file);
  }

  /** The reader cannot go on before the next scan: it was empty until now, or its path leads elsewhere. */
  hold(file: FollowedFile): void {
    this.waiting.add(file);
    this.unsettled = true;
  }

  /** Looks at everything. */
  scan(): void {
    this.unsettled = false;
    const snapshot = this.picture();
    this.present = snapshot !== undefined;
    if (snapshot === undefined) {
      this.absent();
      return;
    }
    this.last = snapshot;
    const unsure = [...this.files].filter((file) => !file.isFirmlyMet);
    const missing: FollowedFile[] = [];
    const departed: FollowedFile[] = [];
    const devicesBefore = new Set<bigint>();
    const byInode = entriesByInode(snapshot, this.files);
    const taken = new Set<bigint>();
    for (const file of [...this.files]) {
      const entry = byInode.get(file.inode);
      if (this.changed.has(file)) {
        if (entry !== undefined || file.fd === undefined) departed.push(file);
        else this.startOver(file, departed);
        continue;
      }
      if (entry === undefined) {
        missing.push(file);
        continue;
      }
      if (snapshot.settled && file.fd !== undefined && file.headLength === 0 && entry.size > 0) {
        this.meetAnew(file);
        continue;
      }
      const device = file.device;
      const known = this.place(file, entry);
      if (known === "other") departed.push(file);
      else if (!file.forgotten) taken.add(entry.inode);
      if (known === "same") devicesBefore.add(device);
    }
    if (!snapshot.settled) {
      this.unsettled = true;
      return;
    }
    this.changed.clear();
    this.waiting.clear();
    for (const file of missing) if (this.isGone(file, snapshot, devicesBefore)) departed.push(file);
    const isUnknown = (entry: Entry) => !taken.has(entry.inode);
    for (const file of this.truncatedRoots([...snapshot.entries.values()].filter(isUnknown))) {
      if (departed.includes(file)) continue;
      if (taken.delete(file.inode)) departed.push(file);
      else this.startOver(file, departed);
    }
    for (const file of departed) this.depart(file, snapshot, taken);
    this.meet([...snapshot.entries.values()].filter(isUnknown), snapshot, departed);
    for (const file of this.files) if (!file.isPresent) file.meet();
    for (const file of unsure) file.isFirmlyMet = file.headLength > 0;
    for (const fd of this.held.values()) closeSync(fd);
    this.held.clear();
  }

  /** Forgets a file: it is gone, and read as far as it can be. */
  forget(file: FollowedFile): void {
    file.forgotten = true;
    file.close();
    this.files.delete(file);
    const trail = this.trails.get(file.trail)?.filter((other) => other !== file) ?? [];
    if (trail.length > 0) this.trails.set(file.trail, trail);
    else this.trails.delete(file.trail);
    this.host.moved(file);
  }

  /** Counts the bytes before `to` that nobody can read any more. */
  lose(file: FollowedFile, to: number, bytes: number): void {
    if (bytes <= 0) return;
    this.host.count("lost_at_source", bytes);
    this.host.report(signals.lost, { path: file.path, from: to - bytes, to, bytes });
  }

  private picture(): Snapshot | undefined {
    const tracked = new Set([...this.files].map((file) => basename(file.path)));
    const wanted = (name: string) => tracked.has(name) || this.names.meaning(name).kind !== "none";
    const snapshot = takeSnapshot(this.path, wanted, this.last?.entries);
    if (snapshot === undefined) return undefined;
    const inodes = new Set([...snapshot.entries.values()].map((entry) => entry.inode));
    // A file that has none of the expected names may have any other.
    const astray = [...this.files].some((file) => {
      if (inodes.has(file.inode) || file.elsewhere) return false;
      file.look(this.host.uptimeMs());
      return !file.deleted;
    });
    return astray ? takeSnapshot(this.path, () => true, undefined) : snapshot;
  }

  /** The directory is not there: unmounted, or removed. What is open is read on; what is closed is kept in mind. */
  private absent(): void {
    this.last = undefined;
    this.waiting.clear();
    for (const file of this.files) {
      if (file.fd === undefined) continue;
      file.look(this.host.uptimeMs());
      file.elsewhere = !file.deleted;
      if (!file.rotated) this.markRotated(file);
    }
    for (const file of this.files) if (!file.isPresent) file.meet();
  }

  /** A known inode has this name now. `other`: it is not the same file any more. */
  private place(file: FollowedFile, entry: Entry): "same" | "other" | "unknown" {
    const { host } = this;
    const path = join(this.path, entry.name);
    const moved = file.path !== path;
    const meaning = this.names.meaning(entry.name);
    if (file.aside && meaning.kind === "asked" && this.rootOf(entry.name) === entry.name) {
      // It was set aside under a derived name and has become the log itself.
      this.forget(file);
      return "unknown";
    }
    if (file.fd === undefined && (moved || !file.isAsSeen(entry) || this.waiting.has(file))) {
      let fd: number;
      try {
        fd = openSync(path, "r");
      } catch (thrown) {
        this.cannotRead(file.path, thrown);
        return "unknown";
      }
      if (!file.recognise(fd)) {
        closeSync(fd);
        return "other";
      }
      if (file.aside) file.close();
    }
    // Renamed, and perhaps truncated before that: then the new name is another generation's.
    if (moved && !file.aside && !file.intact()) return "other";
    file.noteStat(entry.size, entry.mtimeNs, host.uptimeMs());
    file.elsewhere = false;
    this.prove(file);
    if (moved) {
      file.path = path;
      host.moved(file);
    }
    const rotated = meaning.kind !== "asked" || this.rootOf(entry.name) !== entry.name;
    if (rotated && !file.rotated) this.markRotated(file);
    if (!rotated) file.rotated = false;
    return "same";
  }

  /** While reading has to wait, what is there to be read is looked at: should it be removed, its loss is known. */
  private prove(file: FollowedFile): void {
    if (file.fd === undefined || file.size <= file.provenSize || !file.intact()) return;
    const waiting = file.provenUnread > 0;
    file.provenSize = file.size;
    if (waiting) this.host.moved(file);
  }

  /** No name here leads to it. True when nothing else does either. */
  private isGone(file: FollowedFile, snapshot: Snapshot, devicesBefore: ReadonlySet<bigint>): boolean {
    if (file.fd !== undefined) {
      file.look(this.host.uptimeMs());
      file.elsewhere = !file.deleted;
      if (!file.rotated) this.markRotated(file);
      return false;
    }
    // Under another device number this may be an empty mount point: gone only if its companions were found.
    return file.device === snapshot.device || devicesBefore.has(file.device);
  }

  /** The file is gone, or other bytes are in its place. Goes on in its copy, or counts what cannot be read any more. */
  private depart(file: FollowedFile, snapshot: Snapshot, taken: Set<bigint>): void {
    const { host } = this;
    const truncated = file.fd !== undefined;
    file.close();
    const copy = file.aside ? undefined : this.findCopy(file, snapshot, taken);
    if (copy === undefined) {
      if (truncated) host.report(signals.truncated, { path: file.path, offset: file.offset });
      this.lose(file, file.provenSize, file.provenUnread);
      this.forget(file);
      return;
    }
    const twin = [...this.files].find((other) => other.aside && other.inode === copy.entry.inode);
    if (twin !== undefined) this.forget(twin);
    host.report(signals.copyFound, { path: file.path, copy: copy.entry.name, offset: file.offset });
    file.path = join(this.path, copy.entry.name);
    file.recognise(copy.fd);
    this.markRotated(file);
    taken.add(copy.entry.inode);
    host.moved(file);
  }

  /** The file whose content begins with everything that was read of this one. */
  private findCopy(file: FollowedFile, snapshot: Snapshot, taken: ReadonlySet<bigint>) {
    const asides = new Set([...this.files].filter((other) => other.aside).map((other) => other.inode));
    const candidates = [...snapshot.entries.values()]
      .filter((entry) => join(this.path, entry.name) !== file.trail && this.trailOf(entry.name) === file.trail)
      .filter((entry) => this.names.meaning(entry.name).kind !== "compressed" && entry.size >= file.offset)
      .filter((entry) => !taken.has(entry.inode) || asides.has(entry.inode))
      .sort(olderFirst);
    // With little to go by (a common first line) the oldest is the likeliest; else the one that holds most.
    if (file.isWellKnown) candidates.sort((a, b) => b.size - a.size);
    for (const entry of candidates) {
      const fd = this.openEntry(entry);
      if (fd === undefined) continue;
      if (file.isContainedIn(fd)) return { entry, fd };
      closeSync(fd);
    }
    return undefined;
  }

  /** A file without a name was truncated: only its descriptor leads to what is written now. */
  private startOver(file: FollowedFile, departed: FollowedFile[]): void {
    departed.push(file);
    this.renew(file);
  }

  /** What the descriptor leads to, as a file of its own, the youngest of its trail. */
  private renew(file: FollowedFile): void {
    const fd = file.surrender();
    if (fd === undefined) return;
    const fresh = new FollowedFile(this.host.nextSequence(), file.path, file.trail, file);
    fresh.begin(fd, 0);
    fresh.elsewhere = file.elsewhere;
    this.add(fresh);
    this.markRotated(fresh);
    this.host.moved(fresh);
  }

  /** Something new beside a log may be its copy, made before it was truncated: the log is looked at first. */
  private truncatedRoots(unknown: readonly Entry[]): readonly FollowedFile[] {
    const trails = new Set(unknown.map((entry) => this.trailOf(entry.name)));
    return [...this.files].filter(
      (file) =>
        !file.aside &&
        (file.path === file.trail || !file.isPresent) &&
        trails.has(file.trail) &&
        file.open() &&
        !file.intact(),
    );
  }

  /** Unknown files, trail by trail. */
  private meet(unknown: readonly Entry[], snapshot: Snapshot, departed: readonly FollowedFile[]): void {
    const byTrail = Map.groupBy(unknown, (entry) => this.trailOf(entry.name) ?? "");
    byTrail.delete("");
    for (const [trail, entries] of byTrail) {
      const rootName = basename(trail);
      const current = this.trails.get(trail)?.find((file) => file.path === trail && file.isPresent);
      // While the log itself is what it was, nothing was rotated: what is new beside it is a copy or somebody else's.
      const explained = current?.isFirmlyMet === true;
      // Emptied or still empty when last seen, and removed since: as old as its last write.
      const nameless = (this.trails.get(trail) ?? [])
        .filter((file) => !file.isPresent && file.headLength === 0 && file.fd !== undefined)
        .map((file) => ({ name: rootName, mtimeNs: file.mtimeNs, meet: () => this.meetNameless(file) }));
      const derived = entries
        .filter(({ name }) => name !== rootName)
        .map((entry) => ({ ...entry, meet: () => this.meetDerived(entry, trail, explained, snapshot, departed) }));
      for (const { meet } of [...nameless, ...derived].sort(olderFirst)) meet();
      const root = entries.find(({ name }) => name === rootName);
      if (root !== undefined) this.meetAsked(root, trail);
    }
  }

  /** Its place in the trail is found only now. */
  private meetNameless(file: FollowedFile): void {
    this.renew(file);
    this.forget(file);
  }

  private meetDerived(
    entry: Entry,
    trail: string,
    explained: boolean,
    snapshot: Snapshot,
    departed: readonly FollowedFile[],
  ): void {
    const { host, path } = this;
    const meaning = this.names.meaning(entry.name);
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
        this.markRotated(file);
        host.report(signals.rotatedFound, { path: file.path });
      }
    }
  }

  /**
   * A file that was empty until now could be anything: bytes may have come, been copied away, and others come since. It
   * is met like a new one, so that it takes its place behind what turns up beside it.
   */
  private meetAnew(file: FollowedFile): void {
    const fd = file.surrender();
    if (fd !== undefined) this.held.set(file.inode, fd);
    this.forget(file);
  }

  private meetAsked(entry: Entry, trail: string): void {
    const { host } = this;
    const ageMs = host.wallMs() - Number(entry.mtimeNs / 1_000_000n);
    const ignored = host.ignoreOlderThanMs !== undefined && ageMs > host.ignoreOlderThanMs;
    const fromEnd =
      !this.held.has(entry.inode) && (ignored || (host.start === "end" && host.isFirstLook(this.path, entry.name)));
    this.follow(entry, trail, fromEnd ? entry.size : 0);
  }

  /** Whether its content is (the beginning of) a file that is known, or of one that has just gone. */
  private isCopy(entry: Entry, trail: string, snapshot: Snapshot, departed: readonly FollowedFile[]): boolean {
    const fd = this.openEntry(entry);
    if (fd === undefined) return false;
    try {
      if (departed.some((file) => file.trail === trail && file.isWellKnown && file.isContainedIn(fd))) return true;
      const root = snapshot.entries.get(basename(trail));
      const rootFd = root === undefined || root.inode === entry.inode ? undefined : this.openEntry(root);
      if (root !== undefined && rootFd !== undefined) {
        const copied = isPrefixOf(fd, entry.size, rootFd, root.size);
        closeSync(rootFd);
        if (copied) return true;
      }
      return (this.trails.get(trail) ?? []).some(
        (file) => file.open() && file.fd !== undefined && isPrefixOf(fd, entry.size, file.fd, file.size),
      );
    } finally {
      closeSync(fd);
    }
  }

  private follow(entry: Entry, trail: string, offset: number): FollowedFile | undefined {
    const fd = this.held.get(entry.inode) ?? this.openEntry(entry);
    if (fd === undefined) return undefined;
    this.held.delete(entry.inode);
    const file = new FollowedFile(this.host.nextSequence(), join(this.path, entry.name), trail, entry);
    file.begin(fd, offset);
    file.grewMs = this.host.uptimeMs();
    // From the end means from the next line on.
    file.skipping = offset > 0 && readAt(fd, offset - 1, 1)[0] !== lineFeed;
    // Written between the picture and now: what else happened in between is not known.
    file.isFirmlyMet = file.headLength > 0 && file.isAsSeen(entry);
    if (!file.isFirmlyMet && file.headLength > 0) this.unsettled = true;
    this.add(file);
    this.host.moved(file);
    this.host.report(signals.fileFound, { path: file.path, from: offset, size: entry.size });
    return file;
  }

  private setAside(entry: Entry, trail: string): void {
    const fd = this.openEntry(entry);
    if (fd === undefined) return;
    const file = new FollowedFile(this.host.nextSequence(), join(this.path, entry.name), trail, entry);
    file.aside = true;
    file.begin(fd, 0);
    file.close();
    this.add(file);
    this.host.moved(file);
  }

  /** Opens what the picture shows; undefined (and another scan) when another file has the name by now. */
  private openEntry(entry: Entry): number | undefined {
    const path = join(this.path, entry.name);
    try {
      const fd = openSync(path, "r");
      if (inodeOf(fd) === entry.inode) return fd;
      closeSync(fd);
      this.unsettled = true;
    } catch (thrown) {
      this.cannotRead(path, thrown);
    }
    return undefined;
  }

  private cannotRead(path: string, thrown: unknown): void {
    if (!(thrown instanceof Error && "code" in thrown)) throw thrown;
    if (thrown.code === "ENOENT") this.unsettled = true;
    else this.host.report(signals.unreadable, { path, error: messageOf(thrown) });
  }

  private markRotated(file: FollowedFile): void {
    file.rotated = true;
    // The writer may still finish its line: the time it is given begins now.
    file.grewMs = this.host.uptimeMs();
    file.atEnd = false;
  }

  private add(file: FollowedFile): void {
    this.files.add(file);
    if (file.aside) return;
    const trail = [...(this.trails.get(file.trail) ?? []), file];
    this.trails.set(
      file.trail,
      trail.sort((a, b) => a.sequence - b.sequence),
    );
  }

  private trailOf(name: string): string | undefined {
    const meaning = this.names.meaning(name);
    if (meaning.kind === "none") return undefined;
    return join(this.path, meaning.kind === "derived" ? meaning.root : this.rootOf(meaning.root));
  }

  private rootOf(name: string): string {
    return this.names.rootAmong(
      name,
      (root) => this.trails.has(join(this.path, root)) || this.last?.entries.has(root) === true,
    );
  }
}

const lineFeed = 10;

function inodeOf(fd: number): bigint {
  return fstatSync(fd, { bigint: true }).ino;
}

/** One entry an inode: of several links, the one under which the file is known. */
function entriesByInode(snapshot: Snapshot, files: ReadonlySet<FollowedFile>): ReadonlyMap<bigint, Entry> {
  const known = new Set([...files].map((file) => basename(file.path)));
  const byInode = new Map<bigint, Entry>();
  for (const entry of snapshot.entries.values()) {
    if (!byInode.has(entry.inode) || known.has(entry.name)) byInode.set(entry.inode, entry);
  }
  return byInode;
}
