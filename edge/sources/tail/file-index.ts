import type { FollowedFile } from "./followed-file.ts";

/** A file that is known, and the folder that knows it. */
export interface Known<Holder> {
  readonly file: FollowedFile;
  readonly book: Holder;
}

/** The files of all folders of a source by inode: a file is one file whatever leads to it. */
export class FileIndex<Holder> {
  private readonly byInode = new Map<bigint, Map<FollowedFile, Holder>>();
  private readonly inodes = new Map<FollowedFile, bigint>();

  /** Takes a file in; again when it has another inode now. */
  add(file: FollowedFile, book: Holder): void {
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

  /** The files of this inode that other folders know. More than one when the inode was given to another file since. */
  inOtherFolders(inode: bigint, book: Holder): readonly Known<Holder>[] {
    return [...(this.byInode.get(inode) ?? [])]
      .filter(([, holder]) => holder !== book)
      .map(([file, holder]) => ({ file, book: holder }));
  }
}
