/**
 * The files of one lane: written in progress, exact over crashes, and published whole.
 *
 * A file in progress lies in `<directory>/.in-progress/<agent>.<epoch>.<stream>.<lane>/`: its folder says whose it is,
 * so no lane ever touches another one's. The mark that is stored with every acknowledgement names each of them with
 * its length, and the folder that it speaks of. After a crash each is cut to that length, and one that was begun later is
 * removed: the batches that are not acknowledged come again. Where the mark is lost although lines were acknowledged, or
 * speaks of other folders, no length is known: then the files are taken as they are, and the next lines begin new ones.
 * Repeated lines are possible then, lost ones not.
 *
 * The folder may become another one at any time: a disk is mounted or not, somebody removes it, `directory` is changed.
 * So it is looked at before each step. What is known of the one before is kept (former-folders.ts) and counts again
 * when that one is back.
 *
 * A file is published (moved to its name, as `name.1.log` where that is taken) when its time is over or it is full, and
 * nothing was written to it for `settleMs`. That is longer than any acknowledgement waits for its durable mark, so no
 * batch of a published file comes again.
 */
import { type FileHandle, lstat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { realOf } from "../../../shared/files/real-path.ts";
import { keyOf, nameOf, serialOf } from "./file-key.ts";
import { FormerFolders } from "./former-folders.ts";
import { type FilesMark, type FolderId, formatMark, type MarkedFile } from "./mark.ts";
import { makeOwnFolder, openOwn } from "./own-file.ts";
import { folderAt, isSameFolder, markFor } from "./own-folder.ts";
import { codeOf, moveToName, syncFolders } from "./publish.ts";
import { type RecoveryReport, recoverFolder } from "./recovery.ts";

interface OpenFile extends MarkedFile {
  /** Where it will be published, below the directory. */
  readonly name: string;
  readonly openedMs: number;
  readonly writtenMs: number;
  readonly full: boolean;
  /** Where it is by now: it has its final name, which is not durable yet. Until then the mark names it, for a rename that a power cut undoes. */
  readonly movedTo?: string;
}

export interface LaneFilesOptions extends RecoveryReport {
  readonly directory: string;
  /** Unique for the lane, fit for a file name. */
  readonly owner: string;
  readonly rollBytes: number;
  readonly rollIntervalMs: number;
  readonly settleMs: number;
  /** Called for files with acknowledged lines whose folder is not where it was: another one is there, or none. */
  readonly onAway: (folder: string, files: number, bytes: number) => void;
  /** Called when a folder is entered: at the beginning, and when another one came into its place. */
  readonly onEntered: () => void;
}

export class LaneFiles {
  /** The one that is written; undefined: it is not brought to what the mark says yet. */
  private folder: FolderId | undefined;
  private readonly open = new Map<string, OpenFile>();
  /** Files of a write that failed. */
  private readonly leftovers = new Set<string>();
  /** Of the next file: never used twice, so a mark can only mean the file that it was written about. */
  private serial = 0;
  private readonly former: FormerFolders;
  private isTold = false;

  constructor(private readonly options: LaneFilesOptions) {
    this.former = new FormerFolders(options);
  }

  /** Takes over what the mark says; undefined: nobody knows, all files count as they are. Once, before anything else. */
  remember(mark: FilesMark | undefined): void {
    this.isTold = true;
    if (mark === undefined) return;
    this.serial = mark.serial;
    this.former.restore(mark);
  }

  get isRemembered(): boolean {
    return this.isTold;
  }

  /** Makes sure of the folder, and brings it to what is known of it. To be called (again, until it succeeds) before each step. */
  async enter(nowMs: number): Promise<void> {
    const { directory, owner } = this.options;
    const known = this.folder;
    if (known !== undefined && (await isInPlace(known, join(realOf(directory), ".in-progress", owner)))) return;
    if (known !== undefined) this.leave(known, nowMs);
    await makeOwnFolder(directory, []);
    const path = await makeOwnFolder(realOf(directory), [".in-progress", owner]);
    const folder = await folderAt(path);
    if (folder === undefined) return this.enter(nowMs);
    const mark = await markFor(folder, this.former.all);
    const files = await recoverFolder(folder, mark, this.options);
    this.open.clear();
    for (const { key, bytes, untilMs, unknown } of files) {
      const name = nameOf(key);
      for (const [earlier, file] of this.open) if (file.name === name) this.open.set(earlier, { ...file, full: true });
      const full = unknown || bytes >= this.options.rollBytes;
      this.open.set(key, { name, bytes, untilMs, openedMs: nowMs, writtenMs: nowMs, full });
    }
    this.serial = Math.max(this.serial, ...files.map(({ key }) => serialOf(key) + 1));
    const missing = this.former.entered(folder, mark, new Set(this.open.keys()), nowMs);
    for (const [key, { bytes }] of missing) this.options.onShort(join(path, key), 0, bytes);
    this.folder = folder;
    this.options.onEntered();
  }

  get mark(): string {
    const { open: files, serial, folder } = this;
    return formatMark({ files, serial, folder, former: this.former.all });
  }

  get inProgress(): readonly string[] {
    return [...this.open.values()].filter(({ movedTo }) => movedTo === undefined).map(({ name }) => name);
  }

  /** Folders that were written before and hold files in progress, or held them when they were last seen. */
  get formerFolders(): readonly { readonly folder: string; readonly files: number }[] {
    return this.former.shown;
  }

  /** Appends behind what is acknowledged, and resolves when all of it is on the disk. */
  async append(
    parts: readonly { name: string; untilMs: number | undefined; bytes: Buffer }[],
    nowMs: number,
  ): Promise<void> {
    const folder = this.entered();
    await this.removeLeftovers(folder);
    const written: [string, OpenFile][] = [];
    let { serial } = this;
    for (const { name, untilMs, bytes } of parts) {
      const [key, file] = this.current(name, untilMs, serial, nowMs);
      if (!this.open.has(key)) {
        serial++;
        this.leftovers.add(key);
      }
      const length = await this.write(folder, key, file, bytes);
      const full = length >= this.options.rollBytes || nowMs - file.openedMs >= this.options.rollIntervalMs;
      written.push([key, { ...file, bytes: length, writtenMs: nowMs, full }]);
    }
    // All or nothing: when one write fails, the batch comes again and goes behind what was acknowledged before it.
    for (const [key, file] of written) this.open.set(key, file);
    this.leftovers.clear();
    this.serial = serial;
  }

  /**
   * Publishes what is due. `wallMs` tells whether a file's time is over. A file for a time after `aheadMs` was written by
   * a clock that was ahead: its time may be years away, so it is complete once nobody has written to it for long.
   */
  async publishDue(nowMs: number, wallMs: number, aheadMs: number): Promise<readonly string[]> {
    const published: string[] = [];
    for (const [key, file] of [...this.open]) {
      const over = file.full || file.untilMs === undefined || wallMs >= file.untilMs;
      const ahead = file.untilMs !== undefined && file.untilMs > aheadMs;
      if (!over && !ahead) continue;
      const settleMs = over ? this.options.settleMs : Math.max(this.options.settleMs, aheadSettleMs);
      if (nowMs - file.writtenMs < settleMs) continue;
      const movedTo = await this.publish(key, file);
      if (movedTo !== undefined) published.push(movedTo);
      this.open.delete(key);
    }
    return published;
  }

  /** Publishes what lies in folders that were written before `directory` was changed. */
  async publishFormer(nowMs: number): Promise<readonly string[]> {
    return this.former.publishDue(this.entered(), nowMs);
  }

  /**
   * May fail at any step, and goes on from there the next time. From its first step on no more lines go into the file.
   * Undefined: somebody removed it, and that is said.
   */
  private async publish(key: string, file: OpenFile): Promise<string | undefined> {
    const closed = { ...file, full: true };
    this.open.set(key, closed);
    const { directory } = this.options;
    const from = join(this.entered().path, key);
    if (file.movedTo === undefined && (await isMissing(from))) {
      this.options.onShort(from, 0, file.bytes);
      return undefined;
    }
    const movedTo = file.movedTo ?? (await moveToName(from, directory, file.name));
    this.open.set(key, { ...closed, movedTo });
    // Who removes the folder of a file that has its name removes that file: nothing is left to be done.
    if (!(await isMissing(dirname(movedTo)))) await syncFolders(dirname(movedTo), directory);
    return movedTo;
  }

  /** The file that events of this name go to now: the one in progress, or the next when that is full. */
  private current(name: string, untilMs: number | undefined, serial: number, nowMs: number): [string, OpenFile] {
    for (const [key, file] of this.open) if (file.name === name && !file.full) return [key, file];
    return [keyOf(name, serial), { name, untilMs, bytes: 0, openedMs: nowMs, writtenMs: nowMs, full: false }];
  }

  /** Answers how long the file is now. */
  private async write(folder: FolderId, key: string, file: OpenFile, bytes: Buffer): Promise<number> {
    const isNew = !this.open.has(key);
    const handle = await openOwn(folder, key);
    let end = file.bytes;
    try {
      const { size } = await handle.stat();
      // A delivery that failed half-way left something behind the acknowledged end.
      if (size > end) await handle.truncate(end);
      if (size < end) {
        this.options.onShort(join(folder.path, key), size, end);
        end = size;
      }
      await writeFully(handle, bytes, end);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    if (isNew) await syncFolders(folder.path, realOf(this.options.directory));
    return end + bytes.length;
  }

  /** The batch that was not written comes again, and may begin other files: none of the first try may be taken for acknowledged. */
  private async removeLeftovers(folder: FolderId): Promise<void> {
    for (const key of this.leftovers) {
      const path = join(folder.path, key);
      if (!this.open.has(key) && !(await isMissing(path))) await unlink(path);
    }
    this.leftovers.clear();
  }

  private entered(): FolderId {
    if (this.folder === undefined) throw new Error("the folder of the files is not entered");
    return this.folder;
  }

  private leave(folder: FolderId, nowMs: number): void {
    const files = new Map([...this.open].filter(([, { movedTo }]) => movedTo === undefined));
    this.former.left({ folder, files, serial: this.serial, said: false }, nowMs);
    this.open.clear();
    this.leftovers.clear();
    this.folder = undefined;
  }
}

/** Whether the folder is still where it was, and `path` leads to it. */
async function isInPlace(folder: FolderId, path: string): Promise<boolean> {
  for (const each of new Set([folder.path, path])) {
    const found = await folderAt(each);
    if (found === undefined || !isSameFolder({ ...found, path: folder.path }, folder)) return false;
  }
  return true;
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return true;
    throw thrown;
  }
}

async function writeFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** A file whose time lies ahead is quiet for so long before it counts as complete: a clock may only just have been set. */
const aheadSettleMs = 3_600_000;
