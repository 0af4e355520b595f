/**
 * The files of one lane: written in progress, exact over crashes, and published whole.
 *
 * A file in progress lies in `<directory>/.in-progress/<agent>.<epoch>.<stream>.<lane>/`: its folder says whose it is,
 * so no lane ever touches another one's. The mark that is stored with every acknowledgement names each of them with
 * its length. After a crash each is cut to that length, and one that the mark does not name is removed: the batches
 * that are not acknowledged come again. Where the mark is lost although lines were acknowledged, no length is known:
 * then the files are taken as they are, and the next lines begin new ones. Repeated lines are possible then, lost ones not.
 *
 * A file is published (moved to its name, as `name.1.log` where that is taken) when its time is over or it is full, and
 * nothing was written to it for `settleMs`. That is longer than any acknowledgement waits for its durable mark, so no
 * batch of a published file comes again.
 */
import { type FileHandle, lstat, readdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { realOf } from "../../../shared/files/real-path.ts";
import { isKey, keyOf, nameOf, serialOf } from "./file-key.ts";
import { type FilesMark, formatMark, type MarkedFile } from "./mark.ts";
import { makeOwnFolder, openOwn } from "./own-file.ts";
import { moveToName, syncFolders } from "./publish.ts";

interface OpenFile extends MarkedFile {
  /** Where it will be published, below the directory. */
  readonly name: string;
  readonly openedMs: number;
  readonly writtenMs: number;
  readonly full: boolean;
  /** Where it is by now: it has its final name, which is not durable yet. Until then the mark names it, for a rename that a power cut undoes. */
  readonly movedTo?: string;
}

export interface LaneFilesOptions {
  readonly directory: string;
  /** Unique for the lane, fit for a file name. */
  readonly owner: string;
  readonly rollBytes: number;
  readonly rollIntervalMs: number;
  readonly settleMs: number;
  /** Called for a file that is shorter than what was acknowledged: somebody else cut it. */
  readonly onShort: (file: string, bytes: number, expected: number) => void;
}

export class LaneFiles {
  /** Without links, once it is made. */
  private folder = "";
  private readonly open = new Map<string, OpenFile>();
  /** Of the next file: never used twice, so a mark can only mean the file that it was written about. */
  private serial = 0;
  /** Whether the folder is as the mark says. */
  isRecovered = false;

  constructor(private readonly options: LaneFilesOptions) {}

  /**
   * Brings the folder to what the mark says; undefined: nobody knows, all files count as they are. To be called (again,
   * until it succeeds) before anything else.
   */
  async recover(mark: FilesMark | undefined, nowMs: number): Promise<void> {
    if (this.isRecovered) return;
    const { directory, owner } = this.options;
    await makeOwnFolder(directory, []);
    this.folder = await makeOwnFolder(realOf(directory), [".in-progress", owner]);
    // In the order of their beginnings: so they get their names, and the last of a name is the one to go on with.
    const keys = (await readdir(this.folder)).filter(isKey).sort((a, b) => serialOf(a) - serialOf(b));
    this.open.clear();
    for (const key of keys) await this.recoverFile(key, mark, nowMs);
    this.serial = Math.max(mark?.serial ?? 0, ...(mark === undefined ? keys.map((key) => serialOf(key) + 1) : []));
    this.isRecovered = true;
  }

  get mark(): string {
    return formatMark({ files: this.open, serial: this.serial });
  }

  get inProgress(): readonly string[] {
    return [...this.open.values()].filter(({ movedTo }) => movedTo === undefined).map(({ name }) => name);
  }

  /** Appends behind what is acknowledged, and resolves when all of it is on the disk. */
  async append(
    parts: readonly { name: string; untilMs: number | undefined; bytes: Buffer }[],
    nowMs: number,
  ): Promise<void> {
    const written: [string, OpenFile][] = [];
    let { serial } = this;
    for (const { name, untilMs, bytes } of parts) {
      const [key, file] = this.current(name, untilMs, serial, nowMs);
      if (!this.open.has(key)) serial++;
      const length = await this.write(key, file, bytes);
      const full = length >= this.options.rollBytes || nowMs - file.openedMs >= this.options.rollIntervalMs;
      written.push([key, { ...file, bytes: length, writtenMs: nowMs, full }]);
    }
    // All or nothing: when one write fails, the batch comes again and goes behind what was acknowledged before it.
    for (const [key, file] of written) this.open.set(key, file);
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
      published.push(await this.publish(key, file));
      this.open.delete(key);
    }
    return published;
  }

  /** May fail at any step, and goes on from there the next time. From its first step on no more lines go into the file. */
  private async publish(key: string, file: OpenFile): Promise<string> {
    const closed = { ...file, full: true };
    this.open.set(key, closed);
    const { directory } = this.options;
    const movedTo = file.movedTo ?? (await moveToName(join(this.folder, key), directory, file.name));
    this.open.set(key, { ...closed, movedTo });
    await syncFolders(dirname(movedTo), directory);
    return movedTo;
  }

  /** The file that events of this name go to now: the one in progress, or the next when that is full. */
  private current(name: string, untilMs: number | undefined, serial: number, nowMs: number): [string, OpenFile] {
    for (const [key, file] of this.open) if (file.name === name && !file.full) return [key, file];
    return [keyOf(name, serial), { name, untilMs, bytes: 0, openedMs: nowMs, writtenMs: nowMs, full: false }];
  }

  /** Answers how long the file is now. */
  private async write(key: string, file: OpenFile, bytes: Buffer): Promise<number> {
    const isNew = !this.open.has(key);
    const path = join(this.folder, key);
    const handle = await openOwn(this.folder, key);
    let end = file.bytes;
    try {
      const { size } = await handle.stat();
      // A delivery that failed half-way left something behind the acknowledged end.
      if (size > end) await handle.truncate(end);
      if (size < end) {
        this.options.onShort(path, size, end);
        end = size;
      }
      await writeFully(handle, bytes, end);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    if (isNew) await syncFolders(this.folder, realOf(this.options.directory));
    return end + bytes.length;
  }

  private async recoverFile(key: string, mark: FilesMark | undefined, nowMs: number): Promise<void> {
    const path = join(this.folder, key);
    const stat = await lstat(path);
    const { nlink } = stat;
    // Somebody put a link or the like in its place: it is removed, and what stood there counts as cut.
    if (!stat.isFile()) await unlink(path);
    const size = stat.isFile() ? stat.size : 0;
    const marked = mark === undefined ? { bytes: size, untilMs: undefined } : mark.files.get(key);
    if (marked === undefined) return stat.isFile() ? unlink(path) : undefined;
    // Published already, and the crash came before it left this folder; or another file's second name: not ours to cut.
    if (stat.isFile() && nlink > 1) return unlink(path);
    if (size < marked.bytes) this.options.onShort(path, size, marked.bytes);
    const bytes = Math.min(size, marked.bytes);
    if (size > bytes) {
      const handle = await openOwn(this.folder, key);
      try {
        await handle.truncate(bytes);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    }
    const name = nameOf(key);
    for (const [earlier, file] of this.open) if (file.name === name) this.open.set(earlier, { ...file, full: true });
    const full = mark === undefined || bytes >= this.options.rollBytes;
    this.open.set(key, { name, bytes, untilMs: marked.untilMs, openedMs: nowMs, writtenMs: nowMs, full });
  }
}

async function writeFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** A file whose time lies ahead is quiet for so long before it counts as complete: a clock may only just have been set. */
const aheadSettleMs = 3_600_000;
