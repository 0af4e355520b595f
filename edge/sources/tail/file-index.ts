import type { FileId } from "../../core/file-readers.ts";
import type { FollowedFile } from "./followed-file.ts";

/** A file that is known, and the folder that knows it. */
export interface KnownFile<Holder> {
  readonly file: FollowedFile;
  readonly book: Holder;
}

/** Told which files are read, and which no more. */
export interface IndexObserver {
  took(id: FileId, path: string): void;
  letGo(id: FileId): void;
}

/** The files of all folders of a source by inode: a file is one file whatever leads to it. */
export class FileIndex<Holder> {
  private readonly byInode = new Map<bigint, Map<FollowedFile, Holder>>();
  private readonly ids = new Map<FollowedFile, FileId>();

  constructor(private readonly observer: IndexObserver) {}

  /** Takes a file in; again when it was compared with what is there, or is another inode now. */
  add(file: FollowedFile, book: Holder): void {
    const { inode, device } = file;
    const before = this.ids.get(file);
    if (before?.inode !== inode || before.device !== device) this.remove(file);
    if (!this.ids.has(file)) {
      this.ids.set(file, { inode, device });
      const files = this.byInode.get(inode) ?? new Map();
      this.byInode.set(inode, files.set(file, book));
    }
    if (isRead(file)) this.observer.took({ inode, device }, file.path);
  }

  remove(file: FollowedFile): void {
    const id = this.ids.get(file);
    if (id === undefined) return;
    this.ids.delete(file);
    const files = this.byInode.get(id.inode);
    files?.delete(file);
    if (files?.size === 0) this.byInode.delete(id.inode);
    if (!file.isAside) this.observer.letGo(id);
  }

  /** Where this file is read; undefined: it is not, or nobody knows yet. */
  pathOf({ inode, device }: FileId): string | undefined {
    for (const file of this.byInode.get(inode)?.keys() ?? []) {
      if (file.device === device && isRead(file)) return file.path;
    }
    return undefined;
  }

  /** The files of this inode that other folders know. More than one when the inode was given to another file since. */
  inOtherFolders(inode: bigint, book: Holder): readonly KnownFile<Holder>[] {
    return [...(this.byInode.get(inode) ?? [])]
      .filter(([, holder]) => holder !== book)
      .map(([file, holder]) => ({ file, book: holder }));
  }
}

/** What is set aside is not read; of what is restored it is not known yet what it is. */
function isRead(file: FollowedFile): boolean {
  return !file.isAside && !file.isUnverified;
}
