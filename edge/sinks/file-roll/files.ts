/**
 * The files of one lane: written in progress, exact over crashes, and published whole.
 *
 * A file in progress lies in `<directory>/.in-progress/<agent>.<epoch>.<stream>.<lane>/`: its folder says whose it is,
 * so no lane ever touches another one's. The mark that is stored with every acknowledgement names each of them with
 * its length. After a crash each is cut to that length, and one that the mark does not name is removed: the batches
 * that are not acknowledged come again.
 *
 * A file is published (moved to its name, as `name.1.log` where that is taken) when its time is over or it is full, and
 * nothing was written to it for `settleMs`. That is longer than any acknowledgement waits for its durable mark, so no
 * batch of a published file comes again.
 */
import { constants } from "node:fs";
import { access, type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { formatMark, type MarkedFile, parseMark } from "./mark.ts";

interface OpenFile extends MarkedFile {
  /** Where it will be published, below the directory. */
  readonly name: string;
  readonly openedMs: number;
  readonly writtenMs: number;
  readonly full: boolean;
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
  private readonly folder: string;
  private readonly open = new Map<string, OpenFile>();
  /** Of the next file: never used twice, so a mark can only mean the file that it was written about. */
  private serial = 0;
  private recovered = false;

  constructor(private readonly options: LaneFilesOptions) {
    this.folder = join(options.directory, ".in-progress", options.owner);
  }

  /** Brings the folder to what the mark says. To be called (again, until it succeeds) before anything else. */
  async recover(mark: string | undefined, nowMs: number): Promise<void> {
    if (this.recovered) return;
    const { files, serial } = parseMark(mark);
    this.serial = serial;
    await mkdir(this.folder, { recursive: true });
    for (const key of await readdir(this.folder)) {
      const file = files.get(key);
      if (file === undefined) await unlink(join(this.folder, key));
      else await this.recoverFile(key, file, nowMs);
    }
    this.recovered = true;
  }

  get mark(): string {
    return formatMark({ files: this.open, serial: this.serial });
  }

  get inProgress(): readonly string[] {
    return [...this.open.values()].map(({ name }) => name);
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
      await this.write(key, file, bytes);
      const length = file.bytes + bytes.length;
      const full = length >= this.options.rollBytes || nowMs - file.openedMs >= this.options.rollIntervalMs;
      written.push([key, { ...file, bytes: length, writtenMs: nowMs, full }]);
    }
    // All or nothing: when one write fails, the batch comes again and goes behind what was acknowledged before it.
    for (const [key, file] of written) this.open.set(key, file);
    this.serial = serial;
  }

  /** Publishes what is due. `wallMs` tells whether a file's time is over. */
  async publishDue(nowMs: number, wallMs: number): Promise<readonly string[]> {
    const published: string[] = [];
    for (const [key, file] of [...this.open]) {
      const over = file.full || file.untilMs === undefined || wallMs >= file.untilMs;
      if (!over || nowMs - file.writtenMs < this.options.settleMs) continue;
      published.push(await this.publish(key, file.name));
      this.open.delete(key);
    }
    return published;
  }

  /** The file that events of this name go to now: the one in progress, or the next when that is full. */
  private current(name: string, untilMs: number | undefined, serial: number, nowMs: number): [string, OpenFile] {
    for (const [key, file] of this.open) if (file.name === name && !file.full) return [key, file];
    return [keyOf(name, serial), { name, untilMs, bytes: 0, openedMs: nowMs, writtenMs: nowMs, full: false }];
  }

  private async write(key: string, file: OpenFile, bytes: Buffer): Promise<void> {
    const isNew = !this.open.has(key);
    const handle = await open(join(this.folder, key), constants.O_WRONLY | constants.O_CREAT, 0o644);
    try {
      // A delivery that failed half-way left something behind the acknowledged end.
      if ((await handle.stat()).size !== file.bytes) await handle.truncate(file.bytes);
      await writeFully(handle, bytes, file.bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    if (isNew) await syncFolders(this.folder, this.options.directory);
  }

  private async recoverFile(key: string, marked: MarkedFile, nowMs: number): Promise<void> {
    const path = join(this.folder, key);
    const { size, nlink } = await stat(path);
    if (size < marked.bytes) this.options.onShort(path, size, marked.bytes);
    const bytes = Math.min(size, marked.bytes);
    if (size > bytes) {
      const handle = await open(path, constants.O_WRONLY);
      try {
        await handle.truncate(bytes);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    }
    // Published already, and the crash came before it left this folder.
    if (nlink > 1) return unlink(path);
    const name = nameOf(key);
    const full = bytes >= this.options.rollBytes;
    this.open.set(key, { name, bytes, untilMs: marked.untilMs, openedMs: nowMs, writtenMs: nowMs, full });
  }

  private async publish(key: string, name: string): Promise<string> {
    const from = join(this.folder, key);
    for (let number = 0; ; number++) {
      const target = join(this.options.directory, numbered(name, number));
      await mkdir(dirname(target), { recursive: true });
      if (!(await moveUnlessTaken(from, target))) continue;
      await syncFolders(dirname(target), this.options.directory);
      return target;
    }
  }
}

/** Moves without ever replacing a file: a link fails where a rename would overwrite. False when the name is taken. */
async function moveUnlessTaken(from: string, target: string): Promise<boolean> {
  try {
    await link(from, target);
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "EEXIST") return false;
    // File systems without hard links (FAT, some network ones): looking first is the best there is.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw thrown;
    if (await exists(target)) return false;
    await rename(from, target);
    return true;
  }
  await unlink(from);
  return true;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

async function writeFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** New names are durable when their folders are: from the innermost out to the sink's own. */
async function syncFolders(folder: string, top: string): Promise<void> {
  for (let at = folder; at.startsWith(top); at = dirname(at)) {
    const handle = await open(at, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function keyOf(name: string, number: number): string {
  return `${encodeURIComponent(name)}~${number}`;
}

function nameOf(key: string): string {
  return decodeURIComponent(key.slice(0, key.lastIndexOf("~")));
}

/** `a/driving.log` → `a/driving.1.log`. */
function numbered(name: string, number: number): string {
  if (number === 0) return name;
  const extension = extname(name);
  return `${name.slice(0, name.length - extension.length)}.${number}${extension}`;
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : undefined;
}
