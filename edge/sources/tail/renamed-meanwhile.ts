/**
 * A picture is gone through for a while, and the folder goes on. A file of the picture that has another name by the time it is
 * opened is looked for in a later picture. It may be the only one that says what became of the others of its trail: whoever goes on
 * without it takes it for a new file in the next scan.
 */
import type { FolderEntry, FolderSnapshot } from "./snapshot.ts";

/** A larger folder is not looked at once more: the next scan finds what was renamed. */
const entriesMax = 256;

/** Where the files of one picture are by now. */
export class RenamedMeanwhile {
  private later: FolderSnapshot | undefined;
  private readonly missedInodes = new Set<bigint>();

  /** @param look takes a picture now; undefined when there is no folder any more. @throws the system's error. */
  constructor(private readonly look: () => FolderSnapshot | undefined) {}

  /** A new picture is gone through. */
  begin(): void {
    this.later = undefined;
    this.missedInodes.clear();
  }

  /** Whether the file is there, as far as known, and could not be opened in this scan: only the next picture says more. */
  hasMissed(inode: bigint): boolean {
    return this.missedInodes.has(inode);
  }

  /**
   * Opens a file of the picture under the name that it has now. Undefined when it has none, or when it was missed.
   *
   * @param entries so many are in the picture.
   * @param open opens a name if that leads to the file.
   * @throws the system's error, of the folder or of the file.
   */
  open(entry: FolderEntry, entries: number, open: (name: string) => number | undefined): number | undefined {
    const { inode } = entry;
    if (entries <= entriesMax) {
      const isKnown = this.later !== undefined;
      const fd = this.openIn(entry, open);
      if (fd !== "renamed") return this.found(inode, fd);
      if (isKnown) {
        this.later = undefined;
        const again = this.openIn(entry, open);
        if (again !== "renamed") return this.found(inode, again);
      }
    }
    this.missedInodes.add(inode);
    return undefined;
  }

  private found(inode: bigint, fd: number | undefined): number | undefined {
    this.missedInodes.delete(inode);
    return fd;
  }

  private openIn(entry: FolderEntry, open: (name: string) => number | undefined): number | "renamed" | undefined {
    this.later ??= this.look();
    if (this.later === undefined) return undefined;
    const now = [...this.later.entries.values()].find(({ inode }) => inode === entry.inode);
    if (now === undefined) return this.later.settled ? undefined : "renamed";
    // The number of a removed file's inode may have been given to a new one.
    if (now.size !== entry.size || now.mtimeNs !== entry.mtimeNs) return "renamed";
    return open(now.name) ?? "renamed";
  }
}
