import { statSync } from "node:fs";
import type { Directory } from "./directory.ts";
import { DirectoryWatch } from "./watch.ts";

/** This many events, each within `streakGapMs` of the one before, make a directory busy. */
const streakMin = 8;
const streakGapMs = 100;
/** A busy directory in which nothing happened for this long is watched again. */
const calmAfterMs = 1_000;
/** In a busy directory names are looked at this often; what is open meanwhile is read under any name. */
const namesIntervalMs = 50;
/** Looking at more files than this in short intervals costs more than the events would. */
const glanceFilesMax = 16;

/**
 * How closely one directory is looked at: by events while it is calm, in short intervals while it is busy (see watch.ts).
 * Whatever it notices ends in one of two words: this file was written, or everything has to be looked at.
 */
export class Attention {
  /** Everything has to be looked at. */
  dirty = true;
  /** Looked at in intervals now. */
  busy = false;

  private readonly watch: DirectoryWatch;
  private streak = 0;
  private lastEventMs = Number.NEGATIVE_INFINITY;
  private lastChangeMs = 0;
  private directoryMtimeNs = -1n;
  private namesLookedAtMs = 0;

  constructor(
    readonly directory: Directory,
    private readonly uptimeMs: () => number,
    private readonly wake: () => void,
  ) {
    this.watch = new DirectoryWatch(directory.path, (name) => this.onEvent(name));
  }

  /** Makes sure that events come (unless busy). False: they do not, polling is all there is. */
  begin(): boolean {
    return this.busy || this.watch.start();
  }

  end(): void {
    this.busy = false;
    this.watch.stop();
  }

  /** One look in a busy directory. True when something was written. */
  glance(): boolean {
    const nowMs = this.uptimeMs();
    if (nowMs - this.namesLookedAtMs >= namesIntervalMs) this.glanceAtNames(nowMs);
    let written = this.dirty;
    for (const file of this.directory.book.files) {
      if (file.fd !== undefined && file.look(nowMs)) written = true;
    }
    if (written) this.lastChangeMs = nowMs;
    else if (nowMs - this.lastChangeMs > calmAfterMs) this.calmDown();
    return written;
  }

  private glanceAtNames(nowMs: number): void {
    this.namesLookedAtMs = nowMs;
    const stat = statSync(this.directory.path, { bigint: true, throwIfNoEntry: false });
    if (stat?.mtimeNs === this.directoryMtimeNs) return;
    this.directoryMtimeNs = stat?.mtimeNs ?? -1n;
    this.dirty = true;
  }

  private calmDown(): void {
    this.busy = false;
    this.streak = 0;
    this.watch.start();
    // What happened between the last look and the first event is found by looking once more.
    this.dirty = true;
    this.wake();
  }

  private onEvent(name: string | undefined): void {
    const nowMs = this.uptimeMs();
    this.streak = nowMs - this.lastEventMs < streakGapMs ? this.streak + 1 : 0;
    this.lastEventMs = nowMs;
    if (this.streak >= streakMin && this.directory.book.files.size <= glanceFilesMax) {
      this.busy = true;
      this.lastChangeMs = nowMs;
      this.directoryMtimeNs = -1n;
      this.watch.stop();
    }
    const file = name === undefined ? undefined : this.directory.book.fileNamed(name);
    if (file === undefined || file.fd === undefined) this.dirty = true;
    else file.look(nowMs);
    this.wake();
  }
}
