/**
 * What is known of one directory: its files, the trails they make, and what names mean in it. Looked at and changed by
 * the parts of a scan (directory.ts, departures.ts, newcomers.ts), and by the reader.
 */
import { closeSync, fstatSync } from "node:fs";
import { isDescriptorShortage } from "../../../shared/files/descriptor-shortage.ts";
import { childOf, folderOf, nameOf, shownPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";
import type { Fields, Report } from "../../../shared/telemetry/log.ts";
import type { Positioned } from "../../core/source.ts";
import type { FileIndex } from "./file-index.ts";
import { FollowedFile } from "./followed-file.ts";
import { compressedEnding, Names } from "./names.ts";
import type { OpenCount } from "./open-count.ts";
import { RenamedMeanwhile } from "./renamed-meanwhile.ts";
import { type FolderEntry, type FolderSnapshot, takeSnapshot } from "./snapshot.ts";
import type { BeforeUs } from "./stored-files.ts";
import { signals } from "./telemetry.ts";
import { TruncatedLogs } from "./truncated-logs.ts";
import { afterRotation, withoutName } from "./whereabouts.ts";

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
  /** Opens a file at a path without links. Never waits. @throws what the system or the rules refuse. */
  open(path: string): number;
  /** What is known of all folders' files. */
  readonly index: FileIndex<DirectoryBook>;
  readonly openCount: OpenCount;
  /** Names in this folder that patterns spell out: they need no listing to be found. */
  literalNames(directory: string): readonly string[];
  /** Whether a pattern asks for exactly this name, and not for many. */
  isNamed(directory: string, name: string): boolean;
  /** Whether what is gone here may be in another folder that has not been looked at since it changed. */
  mayBeElsewhere(book: DirectoryBook, file: FollowedFile): boolean;
  /** Whether it may be where it cannot be compared: in a folder that cannot be read now, or under a name that cannot be opened. */
  isOutOfReach(file: FollowedFile): boolean;
  /** This file was opened. Where more are open than may be, idle ones are closed for it; it itself when there are none. */
  boundOpen(file: FollowedFile): void;
  /** Files that were there before us and could not be opened: by inode. */
  readonly before: Map<bigint, BeforeUs>;
}

export class DirectoryBook {
  /** All that is known here, set aside or not. */
  readonly files = new Set<FollowedFile>();
  /** Files to read, from old to new, by the path of their root. */
  readonly trails = new Map<string, FollowedFile[]>();
  readonly names: Names;
  /** Something is left to find out: scan again soon. */
  unsettled = false;
  /** The last look failed: the folder could not be read. */
  isUnreadable = false;
  /** So often something was concluded from a picture that stood still. */
  conclusions = 0;
  /** The last picture. */
  last: FolderSnapshot | undefined;
  /** Trails in which there may be something to do. */
  readonly awake = new Set<string>();
  /** Names that links lead to, with the path of the link: they are asked for by that. */
  readonly linked = new Map<string, string>();
  /** The folder without links, while it is there. */
  real: string;
  /** Inodes of files that other folders know, and that could not be opened in the last scan of this one. */
  readonly unopened = new Set<bigint>();
  readonly truncated = new TruncatedLogs();
  /** Files of the picture that have another name by now. */
  readonly renamed = new RenamedMeanwhile({
    open: (name) => this.openAt(name),
    look: () => {
      const wanted = (name: string) => this.isTracked(name) || this.names.meaning(name).kind !== "none";
      return takeSnapshot(this.real, wanted, undefined, this.host.literalNames(this.path));
    },
  });
  /** What is in the way of this scan. */
  obstacle: (path: string, thrown: unknown) => void = () => {};

  private readonly byName = new Map<string, Set<FollowedFile>>();
  /** When generations disappeared that were held open to their end (uptime): each may have become a compressed file. */
  private readonly read = new Map<string, number[]>();
  private readonly compressing = new WeakSet<FollowedFile>();

  constructor(
    readonly path: string,
    readonly host: DirectoryHost,
  ) {
    this.real = path;
    this.names = new Names(
      (name) => this.linked.has(name) || host.matches(path, name),
      (name) => host.excluded(path, name),
    );
  }

  /** The file that is known under this name now. */
  fileNamed(name: string): FollowedFile | undefined {
    for (const file of this.byName.get(name) ?? []) if (!file.isAside && file.isPresent) return file;
    return undefined;
  }

  /** Whether what becomes of this name is noticed: the folder may show none of its names, or only those that it is asked for. */
  sees(name: string): boolean {
    if (this.isUnreadable) return false;
    return this.last?.unlisted === undefined || this.last.entries.has(name);
  }

  /** Whether any file, set aside or not, is known under this name. */
  isTracked(name: string): boolean {
    return this.byName.has(name);
  }

  /** A link leads to this name: it is asked for from now on. */
  askFor(name: string, link: string): void {
    if (this.linked.get(name) === link) return;
    this.linked.set(name, link);
    this.names.forget();
  }

  /** See `DirectoryHost.isFirstLook`. */
  isFirstLook(name: string): boolean {
    const link = this.linked.get(name);
    return link === undefined
      ? this.host.isFirstLook(this.path, name)
      : this.host.isFirstLook(folderOf(link), nameOf(link));
  }

  /** The file has this path now. */
  rename(file: FollowedFile, path: string): void {
    this.unlist(file);
    file.path = path;
    this.list(file);
  }

  /** Takes a file in. */
  add(file: FollowedFile): void {
    this.files.add(file);
    this.list(file);
    this.host.index.add(file, this);
    if (!file.isAside) {
      const trail = [...(this.trails.get(file.trail) ?? []), file];
      this.trails.set(
        file.trail,
        trail.sort((a, b) => a.sequence - b.sequence),
      );
      file.link ??= this.linked.get(nameOf(file.trail));
      this.awake.add(file.trail);
    }
    file.attend({
      openCount: this.host.openCount,
      wake: () => {
        if (!file.isAside) this.awake.add(file.trail);
      },
      identified: (wasRestored) => this.identified(file, wasRestored),
    });
  }

  /** Gives a file away, with its descriptor: another folder has it now. */
  release(file: FollowedFile): void {
    this.files.delete(file);
    this.unlist(file);
    this.host.index.remove(file);
    file.role = "forgotten";
    const trail = this.trails.get(file.trail)?.filter((other) => other !== file) ?? [];
    if (trail.length > 0) this.trails.set(file.trail, trail);
    else this.trails.delete(file.trail);
    this.host.moved(file);
  }

  /** Forgets a file: it is gone, and read as far as it can be. */
  forget(file: FollowedFile): void {
    file.close();
    this.release(file);
  }

  /** A generation that was held open is read to its end and gone: what is compressed under its name was read. */
  noteRead(file: FollowedFile): void {
    const times = this.read.get(file.trail) ?? [];
    times.push(this.host.uptimeMs());
    this.read.set(file.trail, times.slice(-generationsMax));
  }

  /** Whether a new compressed file of this trail is a generation that was read; answers that once for each of them. */
  wasRead(trail: string, name: string): boolean {
    const plain = name.replace(compressedEnding, "");
    const named = this.fileNamed(plain);
    if (named !== undefined && named.trail === trail) {
      this.compressing.add(named);
      return true;
    }
    const since = this.host.uptimeMs() - rememberedMs;
    const times = (this.read.get(trail) ?? []).filter((time) => time >= since);
    const held = (this.trails.get(trail) ?? []).find(
      (file) => !file.isPresent && file.fd !== undefined && !file.isUnplaced && !this.compressing.has(file),
    );
    if (held !== undefined) this.compressing.add(held);
    else if (times.shift() === undefined) return false;
    this.read.set(trail, times);
    return true;
  }

  /** Whether a compressed file beside it was taken for it. */
  isCompressing(file: FollowedFile): boolean {
    return this.compressing.has(file);
  }

  /** What the descriptor leads to, as a file of its own, the youngest of its trail. */
  renew(file: FollowedFile): void {
    const fd = file.surrender();
    if (fd === undefined) return;
    const fresh = new FollowedFile(this.host.nextSequence(), file.path, file.trail, file);
    fresh.begin(fd, 0);
    if (file.isElsewhere) fresh.whereabouts = "elsewhere";
    fresh.isFirmlyMet = false;
    this.add(fresh);
    this.markRotated(fresh);
    this.host.moved(fresh);
  }

  /** What is older than these is known. */
  noteMet(files: Iterable<FollowedFile>): void {
    for (const file of files) {
      if (!file.isMetLate) continue;
      file.isMetLate = false;
      this.host.moved(file);
    }
  }

  /** Names under which files are known. */
  knownNames(): ReadonlySet<string> {
    return new Set([...this.files].map((file) => nameOf(file.path)));
  }

  /** No name in its directory leads to it, and its descriptor was just asked. */
  noteNameless(file: FollowedFile): void {
    const wasRotated = file.isRotated;
    file.whereabouts = withoutName(file.whereabouts);
    if (!wasRotated) this.markRotated(file);
  }

  /** It has lost its name: what it holds is all there will be, soon. */
  markRotated(file: FollowedFile): void {
    file.whereabouts = afterRotation(file.whereabouts);
    // The writer may still finish its line: the time it is given begins now.
    file.grewMs = this.host.uptimeMs();
    file.atEnd = false;
  }

  /** Counts the bytes before `to` that nobody can read any more. */
  lose(file: FollowedFile, to: number, bytes: number): void {
    if (bytes <= 0) return;
    this.host.report(signals.lost, { path: file.path, from: to - bytes, to, bytes });
  }

  /** Counts what was seen of a log that was removed before it could be opened. */
  loseUnseen(path: string, bytes: number): void {
    this.host.report(signals.lost, { path: shownPath(path), from: 0, to: bytes, bytes });
  }

  /** Path of the root of the trail that a name belongs to; undefined when it is none of ours. */
  trailOf(name: string): string | undefined {
    const meaning = this.names.meaning(name);
    if (meaning.kind === "none") return undefined;
    return childOf(this.path, meaning.kind === "derived" ? meaning.root : this.rootOf(meaning.root));
  }

  /** See `Names.rootAmong`. */
  rootOf(name: string): string {
    return this.names.rootAmong(
      name,
      (root) => this.trails.has(childOf(this.path, root)) || this.last?.entries.has(root) === true,
    );
  }

  /** Opens what the picture shows, under the name that it has now; undefined (and another scan) when that is not found. */
  openEntry(entry: FolderEntry): number | undefined {
    try {
      const fd = this.renamed.openAs(entry, entry.name);
      if (fd !== undefined) return fd;
      this.unsettled = true;
      return this.renamed.open(entry, this.last?.entries.size ?? 0);
    } catch (thrown) {
      this.cannotRead(childOf(this.path, entry.name), thrown);
      return undefined;
    }
  }

  /** Whether the file that the picture shows begins with all that is known of `file`; undefined when it cannot be opened. */
  begins(entry: FolderEntry, file: FollowedFile): boolean | undefined {
    const fd = this.openEntry(entry);
    if (fd === undefined) return undefined;
    const isBeginning = file.isContainedIn(fd);
    closeSync(fd);
    return isBeginning;
  }

  /** Whether another file of its trail begins with all that is known of it: looked up at once, whatever the last picture was. */
  hasCopyOf(file: FollowedFile): boolean {
    try {
      const entries = takeSnapshot(this.real, (name) => this.trailOf(name) === file.trail, undefined)?.entries.values();
      return [...(entries ?? [])].some((entry) => entry.inode !== file.inode && this.begins(entry, file) === true);
    } catch (thrown) {
      if (isFileTrouble(thrown)) return false;
      throw thrown;
    }
  }

  /** Opens a path of this folder, by the folder as it is without links. */
  readonly openAt = (path: string): number => this.host.open(childOf(this.real, nameOf(path)));

  /** Notes what is refused; a file that has gone by now asks for another scan. */
  cannotRead(path: string, thrown: unknown): void {
    if (!isFileTrouble(thrown)) throw thrown;
    // What has gone, and what waits for a descriptor, is looked for soon.
    if (systemCode(thrown) === "ENOENT" || isDescriptorShortage(thrown)) this.unsettled = true;
    if (systemCode(thrown) !== "ENOENT") this.obstacle(path, thrown);
  }

  /** Asks an open file; opens it by its path when it is closed. Undefined when that leads to it no more. */
  askOpen<T>(file: FollowedFile, question: (fd: number) => T): T | undefined {
    try {
      if (!file.open(this.openAt) || file.fd === undefined) return undefined;
      return question(file.fd);
    } catch (thrown) {
      this.cannotRead(file.path, thrown);
      return undefined;
    } finally {
      this.host.boundOpen(file);
    }
  }

  /** Opens what a known file's path leads to, if that has its inode, whatever it holds. */
  openAgain(file: FollowedFile): number | undefined {
    try {
      const fd = this.openAt(file.path);
      if (inodeOf(fd) === file.inode) return fd;
      closeSync(fd);
    } catch (thrown) {
      this.cannotRead(file.path, thrown);
    }
    return undefined;
  }

  /** Whoever wants to know which files were read finds each of them in the log, those of an earlier start too. */
  private identified(file: FollowedFile, wasRestored: boolean): void {
    if (file.role === "forgotten") return;
    this.host.index.add(file, this);
    if (wasRestored && !file.isAside) this.host.report(signals.fileResumed, this.describe(file));
  }

  /** For the lines of the log that say which files are read. */
  describe(file: FollowedFile): Fields {
    return {
      path: shownPath(file.path),
      from: file.offset,
      size: file.size,
      inode: file.inode.toString(),
      ...(file.fd === undefined ? {} : { owner: Number(fstatSync(file.fd).uid) }),
      ...(file.link === undefined ? {} : { link: shownPath(file.link) }),
    };
  }

  private list(file: FollowedFile): void {
    const name = nameOf(file.path);
    const files = this.byName.get(name) ?? new Set();
    this.byName.set(name, files.add(file));
  }

  private unlist(file: FollowedFile): void {
    const name = nameOf(file.path);
    const files = this.byName.get(name);
    files?.delete(file);
    if (files?.size === 0) this.byName.delete(name);
  }
}

/** So many generations of a trail are remembered as read, for so long. */
const generationsMax = 100;
const rememberedMs = 3_600_000;

function inodeOf(fd: number): bigint {
  return fstatSync(fd, { bigint: true }).ino;
}
