/**
 * What is known of one directory: its files, the trails they make, and what names mean in it. Looked at and changed by
 * the parts of a scan (directory.ts, departures.ts, newcomers.ts), and by the reader.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Positioned } from "../../core/source.ts";
import { FollowedFile } from "./followed-file.ts";
import { Names } from "./names.ts";
import type { Entry, Snapshot } from "./snapshot.ts";
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

export class DirectoryBook {
  /** All that is known here, set aside or not. */
  readonly files = new Set<FollowedFile>();
  /** Files to read, from old to new, by the path of their root. */
  readonly trails = new Map<string, FollowedFile[]>();
  readonly names: Names;
  /** Something is left to find out: scan again soon. */
  unsettled = false;
  /** The last picture. */
  last: Snapshot | undefined;

  constructor(
    readonly path: string,
    readonly host: DirectoryHost,
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

  /** Takes a file in. */
  add(file: FollowedFile): void {
    this.files.add(file);
    if (file.aside) return;
    const trail = [...(this.trails.get(file.trail) ?? []), file];
    this.trails.set(
      file.trail,
      trail.sort((a, b) => a.sequence - b.sequence),
    );
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

  /** What the descriptor leads to, as a file of its own, the youngest of its trail. */
  renew(file: FollowedFile): void {
    const fd = file.surrender();
    if (fd === undefined) return;
    const fresh = new FollowedFile(this.host.nextSequence(), file.path, file.trail, file);
    fresh.begin(fd, 0);
    fresh.elsewhere = file.elsewhere;
    fresh.isFirmlyMet = false;
    this.add(fresh);
    this.markRotated(fresh);
    this.host.moved(fresh);
  }

  /** It has lost its name: what it holds is all there will be, soon. */
  markRotated(file: FollowedFile): void {
    file.rotated = true;
    // The writer may still finish its line: the time it is given begins now.
    file.grewMs = this.host.uptimeMs();
    file.atEnd = false;
  }

  /** Counts the bytes before `to` that nobody can read any more. */
  lose(file: FollowedFile, to: number, bytes: number): void {
    if (bytes <= 0) return;
    this.host.count("lost_at_source", bytes);
    this.host.report(signals.lost, { path: file.path, from: to - bytes, to, bytes });
  }

  /** Path of the root of the trail that a name belongs to; undefined when it is none of ours. */
  trailOf(name: string): string | undefined {
    const meaning = this.names.meaning(name);
    if (meaning.kind === "none") return undefined;
    return join(this.path, meaning.kind === "derived" ? meaning.root : this.rootOf(meaning.root));
  }

  /** See `Names.rootAmong`. */
  rootOf(name: string): string {
    return this.names.rootAmong(
      name,
      (root) => this.trails.has(join(this.path, root)) || this.last?.entries.has(root) === true,
    );
  }

  /** Opens what the picture shows; undefined (and another scan) when another file has the name by now. */
  openEntry(entry: Entry): number | undefined {
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

  /** Reports what the system refused; a file that has gone by now asks for another scan. */
  cannotRead(path: string, thrown: unknown): void {
    if (!(thrown instanceof Error && "code" in thrown)) throw thrown;
    if (thrown.code === "ENOENT") this.unsettled = true;
    else this.host.report(signals.unreadable, { path, error: messageOf(thrown) });
  }

  /** Opens a known file by its path, if that still leads to it. */
  canOpen(file: FollowedFile): boolean {
    try {
      return file.open();
    } catch (thrown) {
      this.cannotRead(file.path, thrown);
      return false;
    }
  }
}

function inodeOf(fd: number): bigint {
  return fstatSync(fd, { bigint: true }).ino;
}
