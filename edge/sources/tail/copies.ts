import { closeSync, fstatSync } from "node:fs";
import { nameOf } from "../../../shared/files/path-text.ts";
import type { Departed } from "./departures.ts";
import type { DirectoryBook } from "./directory-book.ts";
import { isPrefixOf } from "./fingerprint.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { FolderEntry, FolderSnapshot } from "./snapshot.ts";

/** An unknown file, open, with its size now: in the picture a copy that was just being made may still be empty. */
export interface UnknownFile {
  readonly entry: FolderEntry;
  readonly trail: string;
  readonly fd: number;
  readonly size: number;
}

/** Tells copies of what is read from files of their own. */
export class Copies {
  constructor(private readonly book: DirectoryBook) {}

  /**
   * Whether its content is (the beginning of) a file that is known, or of one that has just gone. `unsure`: the log was
   * truncated since the picture, so it cannot be compared with what it held; the next scan finds the log gone. Or it begins with
   * all that was read of a file that is looked for elsewhere: should that be gone, or be there with other bytes, this is its rest.
   */
  judge(
    { entry, trail, fd, size }: UnknownFile,
    snapshot: FolderSnapshot,
    departed: Departed,
  ): "copy" | "own" | "unsure" {
    const known = this.book.trails.get(trail) ?? [];
    const isBegunBy = (files: readonly FollowedFile[]) =>
      files.some((file) => file.trail === trail && file.isWellKnown && file.isContainedIn(fd));
    if (isBegunBy(departed.sought)) return "unsure";
    // One that has just been moved here may have been truncated before, and not be compared yet.
    if (isBegunBy(departed.files) || isBegunBy(known.filter((file) => file.isUnverified))) return "copy";
    // Truncated while this picture is gone through: the next one shows it.
    if (known.some((file) => isBegunBy([file]) && this.book.askOpen(file, () => file.intact()) === false))
      return "unsure";
    const root = this.compareWithLog(fd, size, entry, snapshot.entries.get(nameOf(trail)));
    if (root !== "own") return root;
    const isCopied = known.some(
      (file) => this.book.askOpen(file, (other) => isPrefixOf(fd, size, other, sizeOf(other))) === true,
    );
    return isCopied ? "copy" : "own";
  }

  private compareWithLog(fd: number, size: number, entry: FolderEntry, root: FolderEntry | undefined) {
    const rootFd = root === undefined || root.inode === entry.inode ? undefined : this.book.openEntry(root);
    if (root !== undefined && rootFd === undefined && this.book.renamed.hasMissed(root.inode)) return "unsure";
    if (root === undefined || rootFd === undefined) return "own";
    try {
      if (isPrefixOf(fd, size, rootFd, sizeOf(rootFd))) return "copy";
      return sizeOf(rootFd) < root.size ? "unsure" : "own";
    } finally {
      closeSync(rootFd);
    }
  }
}

function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}
