/**
 * Brings a folder of files in progress to what is known of it. A file that the mark names is cut to its acknowledged length.
 * One that was begun after the last acknowledgement is removed: its lines come again. Any other may hold lines that are
 * acknowledged, so it is never removed: it is complete as it is, up to its last whole line, which may be there twice.
 */
import { type FileHandle, lstat, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isKey, serialOf } from "./file-key.ts";
import type { FolderId, FolderMark, MarkedFile } from "./mark.ts";
import { openOwn } from "./own-file.ts";

/** A file in progress as it is after that. */
export interface RecoveredFile extends MarkedFile {
  readonly key: string;
  /** Nobody knows how much of it is acknowledged: no more lines go into it. */
  readonly unknown: boolean;
}

/** Called for a file that is shorter than what was acknowledged, and for one that is taken as it is. */
export interface RecoveryReport {
  readonly onShort: (file: string, bytes: number, expected: number) => void;
  readonly onUnknown: (file: string, bytes: number) => void;
}

/** In the order of their beginnings: so they get their names, and the last of a name is the one to go on with. */
export async function recoverFolder(
  folder: FolderId,
  mark: FolderMark | undefined,
  report: RecoveryReport,
): Promise<readonly RecoveredFile[]> {
  const keys = (await readdir(folder.path)).filter(isKey).sort((a, b) => serialOf(a) - serialOf(b));
  const recovered: RecoveredFile[] = [];
  for (const key of keys) {
    const file = await recoverFile(folder, key, mark, report);
    if (file !== undefined) recovered.push(file);
  }
  return recovered;
}

async function recoverFile(
  folder: FolderId,
  key: string,
  mark: FolderMark | undefined,
  report: RecoveryReport,
): Promise<RecoveredFile | undefined> {
  const path = join(folder.path, key);
  const stat = await lstat(path);
  const marked = mark?.files.get(key);
  // Somebody put a link or the like in its place: it is removed, and what stood there counts as cut.
  // Of two names one was published already, and the crash came before the other was taken away; or it is another file's
  // second name: not ours to cut.
  if (!stat.isFile() || stat.nlink > 1) await unlink(path);
  if (stat.isFile() && stat.nlink > 1) return undefined;
  const size = stat.isFile() ? stat.size : 0;
  if (marked !== undefined) {
    if (size < marked.bytes) report.onShort(path, size, marked.bytes);
    const bytes = Math.min(size, marked.bytes);
    if (size > bytes) await withFile(folder, key, (handle) => cut(handle, bytes));
    return { key, bytes, untilMs: marked.untilMs, unknown: false };
  }
  if (!stat.isFile()) return undefined;
  if (mark !== undefined && serialOf(key) >= mark.serial) return remove(path);
  const bytes = await withFile(folder, key, async (handle) => {
    const whole = await wholeLines(handle, size);
    if (whole < size) await cut(handle, whole);
    return whole;
  });
  // What is acknowledged ends with a line feed: there is nothing of it here.
  if (bytes === 0) return remove(path);
  report.onUnknown(path, bytes);
  return { key, bytes, untilMs: undefined, unknown: true };
}

async function remove(path: string): Promise<undefined> {
  await unlink(path);
}

async function cut(handle: FileHandle, bytes: number): Promise<void> {
  await handle.truncate(bytes);
  await handle.datasync();
}

async function withFile<T>(folder: FolderId, key: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await openOwn(folder, key);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

const pieceBytes = 65_536;

/** How long a file is up to its last line feed. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const piece = Buffer.alloc(Math.min(size, pieceBytes));
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - piece.length);
    const { bytesRead } = await handle.read(piece, 0, end - start, start);
    const at = piece.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}
