import { lstatSync, statSync } from "node:fs";
import { childOf, systemPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import type { Directory } from "./directory.ts";
import type { FollowedFile } from "./followed-file.ts";
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
/** A directory that did not stand still is looked at again after this, and later and later while it goes on. */
const unsettledMs = 20;
const unsettledMsMax = 500;
/** Looking at a large folder because something happened in it takes at most this part of the time. */
const scanShare = 1 / 5;
/** Looking at a watched folder without having been told to takes at most this part of the time. */
const pollShare = 1 / 400;
/** A scan that is this quick needs no bound. */
const quickScanMs = 5;
/**
 * A folder of so many files is looked at as often as the config says, however long the last look took: on a machine that
 * is busy with something else a look at one file can take 50 ms, and a watch can miss an event.
 */
const alwaysPolledFilesMax = 256;

/** How long polling leaves a watched folder alone, from how long the last look took. */
export function pollRestMs(tookMs: number, files: number): number {
  return files > alwaysPolledFilesMax && tookMs > quickScanMs ? tookMs / pollShare : 0;
}

/**
 * How closely one directory is looked at: by events while it is calm, in short intervals while it is busy (see watch.ts).
 * Whatever it notices ends in one of two words: this file was written, or everything has to be looked at.
 */
export class Attention {
  /** Everything has to be looked at. */
  dirty = true;
  /** Looked at in intervals now. */
  busy = false;

  /** So often it was looked at. */
  looks = 0;
  /** Not to be looked at again before this (uptime). */
  notBeforeMs = 0;

  private readonly watch: DirectoryWatch;
  private unsettledScans = 0;
  private pollDueMs = 0;
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
    this.watch = new DirectoryWatch(
      () => directory.book.real,
      (name) => this.onEvent(name),
    );
  }

  /** The time has come to look whatever the watch said. A large folder that is watched is looked at less often. */
  poll(): void {
    for (const file of this.directory.book.files) file.lookAtBlank();
    if (!this.watch.watching || this.uptimeMs() >= this.pollDueMs) this.dirty = true;
  }

  /** It is looked at now. */
  beginScan(): void {
    this.dirty = false;
  }

  /** It was looked at, which took so long. */
  endScan(tookMs: number): void {
    const nowMs = this.uptimeMs();
    const { unsettled } = this.directory.book;
    this.looks++;
    this.dirty ||= unsettled;
    this.unsettledScans = unsettled ? this.unsettledScans + 1 : 0;
    const againMs = unsettled ? Math.min(unsettledMsMax, unsettledMs * 2 ** Math.max(0, this.unsettledScans - 5)) : 0;
    const restMs = tookMs > quickScanMs ? tookMs / scanShare : 0;
    this.notBeforeMs = nowMs + Math.max(againMs, restMs);
    this.pollDueMs = nowMs + pollRestMs(tookMs, this.directory.book.files.size);
  }

  /** Its path leads to another folder now. */
  retarget(real: string): void {
    this.directory.book.real = real;
    this.dirty = true;
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
      if (this.lookAt(file, nowMs)) written = true;
    }
    if (written) this.lastChangeMs = nowMs;
    else if (nowMs - this.lastChangeMs > calmAfterMs) this.calmDown();
    return written;
  }

  private glanceAtNames(nowMs: number): void {
    this.namesLookedAtMs = nowMs;
    const mtimeNs = this.namesTime();
    if (mtimeNs === this.directoryMtimeNs) return;
    this.directoryMtimeNs = mtimeNs;
    this.dirty = true;
  }

  private namesTime(): bigint {
    try {
      const stat = statSync(systemPath(this.directory.book.real), { bigint: true, throwIfNoEntry: false });
      return stat?.mtimeNs ?? -1n;
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      return -1n;
    }
  }

  /** Whether an open file has something new. One that cannot be asked is left to the scan and the reader, which say so. */
  private lookAt(file: FollowedFile, nowMs: number): boolean {
    if (file.fd === undefined) return false;
    try {
      return file.look(nowMs);
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      return false;
    }
  }

  /** A file that is closed was written: whether it is still the one we know, so that it can be read without a scan. */
  private isStillThere(file: FollowedFile, name: string, nowMs: number): boolean {
    if (file.isBarelyKnown) return false;
    try {
      const path = childOf(this.directory.book.real, name);
      const stat = lstatSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
      if (stat === undefined || stat.ino !== file.inode || !stat.isFile()) return false;
      // With nothing behind the offset it is not opened to be read: a scan compares it, or it was replaced unnoticed.
      if (Number(stat.size) <= file.offset) return false;
      file.noteStat(Number(stat.size), stat.mtimeNs, nowMs);
      return true;
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      return false;
    }
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
    this.noteEvent(name, nowMs);
    this.wake();
  }

  private noteEvent(name: string | undefined, nowMs: number): void {
    const { book } = this.directory;
    const file = name === undefined ? undefined : book.fileNamed(name);
    if (file === undefined) {
      // Writing to what nobody asks for tells nothing.
      if (name === undefined || book.isTracked(name) || book.names.meaning(name).kind !== "none") this.dirty = true;
    } else if (file.fd !== undefined) {
      this.lookAt(file, nowMs);
    } else if (!this.isStillThere(file, name ?? "", nowMs)) {
      this.dirty = true;
    }
  }
}
