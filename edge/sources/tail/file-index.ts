import type { DirectoryBook } from "./directory-book.ts";
import type { FollowedFile } from "./followed-file.ts";

/** A file that is known, and the folder that knows it. */
export interface Known {
  readonly file: FollowedFile;
  readonly book: DirectoryBook;
}

/** The files of all folders of a source by inode: a file is one file whatever leads to it. */
export class FileIndex {
  private readonly byInode = new Map<bigint, Map<FollowedFile, DirectoryBook>>();
  private readonly inodes = new Map<FollowedFile, bigint>();

  /** Takes a file in; again when it has another inode now. */
  add(file: FollowedFile, book: DirectoryBook): void {
    this.remove(file);
    this.inodes.set(file, file.inode);
    const files = this.byInode.get(file.inode) ?? new Map();
    this.byInode.set(file.inode, files.set(file, book));
  }

  remove(file: FollowedFile): void {
    const inode = this.inodes.get(file);
    if (inode === undefined) return;
    this.inodes.delete(file);
    const files = this.byInode.get(inode);
    files?.delete(file);
    if (files?.size === 0) this.byInode.delete(inode);
  }

  /** The file of this inode that another folder knows. */
  inOtherFolder(inode: bigint, book: DirectoryBook): Known | undefined {
    for (const [file, holder] of this.byInode.get(inode) ?? []) if (holder !== book) return { file, book: holder };
    return undefined;
  }
}
