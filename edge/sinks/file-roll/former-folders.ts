/**
 * Folders that files in progress of a lane were written in before, and what is acknowledged of those files. `directory` was
 * changed, its disk is not mounted, somebody removed it: a folder that is back is gone on with as if nothing had been. One
 * that lies elsewhere is not written any more: its files get their names in its own directory. What can be reached no
 * more is said, once.
 */
import { unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nameOf } from "./file-key.ts";
import type { FilesMark, FolderId, FolderMark, MarkedFile } from "./mark.ts";
import { folderAt, markFor } from "./own-folder.ts";
import { publishFile } from "./publish.ts";
import { type RecoveryReport, recoverFolder } from "./recovery.ts";

/** So many are remembered: each stands in every mark. */
const foldersMax = 8;

interface Options extends RecoveryReport {
  readonly settleMs: number;
  readonly onAway: (folder: string, files: number, bytes: number) => void;
}

export class FormerFolders {
  private marks: FolderMark[] = [];
  /** Those that this process left: what they name was there then. What a stored mark names may have got its name since. */
  private readonly leftNow = new WeakSet<FolderMark>();
  /** Since when (uptime) nothing was written any more. */
  private sinceMs = 0;

  constructor(private readonly options: Options) {}

  /** The one that is written now is last among them, until it is entered. */
  restore({ former, ...current }: FilesMark): void {
    this.marks = [...former, { ...current, said: false }];
  }

  get all(): readonly FolderMark[] {
    return this.marks;
  }

  get shown(): readonly { readonly folder: string; readonly files: number }[] {
    return this.marks.flatMap(({ folder, files }) =>
      folder === undefined || files.size === 0 ? [] : { folder: folder.path, files: files.size },
    );
  }

  /** This one was written until now. */
  left(mark: FolderMark, nowMs: number): void {
    this.marks.push(mark);
    this.leftNow.add(mark);
    this.sinceMs = nowMs;
  }

  /**
   * `folder` is the one that is written from now on, `mark` what was known of it, and `found` what is there. Answers
   * which files are surely gone.
   */
  entered(
    folder: FolderId,
    mark: FolderMark | undefined,
    found: ReadonlySet<string>,
    nowMs: number,
  ): readonly (readonly [string, MarkedFile])[] {
    this.marks = this.marks.filter((each) => each !== mark && each.folder !== undefined);
    this.sinceMs = nowMs;
    // Another one stands in their place.
    for (const each of this.marks) if (each.folder?.path === folder.path) this.sayAway(each);
    const tooMany = this.marks.slice(0, -foldersMax);
    for (const each of tooMany) this.sayAway(each);
    this.marks = this.marks.slice(-foldersMax);
    if (mark === undefined || !this.leftNow.has(mark)) return [];
    return [...mark.files].filter(([key, { bytes }]) => bytes > 0 && !found.has(key));
  }

  /** Gives files their names in folders that lie elsewhere: no line comes for them again once `settleMs` are over. */
  async publishDue(current: FolderId, nowMs: number): Promise<readonly string[]> {
    if (nowMs - this.sinceMs < this.options.settleMs) return [];
    const published: string[] = [];
    for (const mark of [...this.marks]) {
      const { folder } = mark;
      if (folder === undefined || folder.path === current.path) continue;
      const found = await folderAt(folder.path);
      if (found === undefined || (await markFor(found, [mark])) === undefined) {
        this.sayAway(mark);
        continue;
      }
      published.push(...(await this.publishAll(found, mark)));
      this.marks = this.marks.filter((each) => each !== mark);
    }
    return published;
  }

  private async publishAll(folder: FolderId, mark: FolderMark): Promise<readonly string[]> {
    const published: string[] = [];
    // <directory>/.in-progress/<owner>
    const directory = dirname(dirname(folder.path));
    for (const { key, bytes } of await recoverFolder(folder, mark, this.options)) {
      const path = join(folder.path, key);
      if (bytes === 0) await unlink(path);
      else published.push(await publishFile(path, directory, nameOf(key)));
    }
    return published;
  }

  private sayAway(mark: FolderMark): void {
    const { folder, files, said } = mark;
    if (folder === undefined || said) return;
    const bytes = [...files.values()].reduce((sum, each) => sum + each.bytes, 0);
    if (files.size > 0) this.options.onAway(folder.path, files.size, bytes);
    const told = { ...mark, said: true };
    if (this.leftNow.has(mark)) this.leftNow.add(told);
    this.marks = this.marks.map((each) => (each === mark ? told : each));
  }
}
