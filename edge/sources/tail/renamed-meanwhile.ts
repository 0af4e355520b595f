/**
 * A picture is gone through for a while, and the folder goes on. A file of the picture that has another name by the time it is
 * opened is looked for in a later picture. It may be the only one that says what became of the others of its trail: whoever goes on
 * without it takes it for a new file in the next scan.
 */
import { closeSync, fstatSync } from "node:fs";
import { systemCode } from "../../../shared/files/refusal.ts";
import type { FolderEntry, FolderSnapshot } from "./snapshot.ts";

/** A larger folder is not looked at once more: the next scan finds what was renamed. */
const entriesMax = 256;

/** What is needed of the folder. */
interface Folder {
  /** Opens a name. @throws the system's error. */
  open(name: string): number;
  /** Takes a picture now; undefined when there is no folder any more. @throws the system's error. */
  look(): FolderSnapshot | undefined;
}

/** Where the files of one picture are by now. */
export class RenamedMeanwhile {
  private later: FolderSnapshot | undefined;
  private readonly missedInodes = new Set<bigint>();

  constructor(private readonly folder: Folder) {}

  /** A new picture is gone through. */
  begin(): void {
    this.later = undefined;
    this.missedInodes.clear();
  }

  /** Whether the file is there, as far as known, and could not be opened in this scan: only the next picture says more. */
  hasMissed(inode: bigint): boolean {
    return this.missedInodes.has(inode);
  }

  /** Opens a name if it leads to that file. @throws the system's error, unless the name leads nowhere. */
  openAs(entry: FolderEntry, name: string): number | undefined {
    try {
      const fd = this.folder.open(name);
      if (fstatSync(fd, { bigint: true }).ino === entry.inode) return fd;
      closeSync(fd);
    } catch (thrown) {
      if (systemCode(thrown) !== "ENOENT") throw thrown;
    }
    return undefined;
  }

  /**
   * Opens a file of the picture under the name that it has now. Undefined when it has none, or when it was missed.
   *
   * @param entries so many are in the picture.
   * @throws the system's error, of the folder or of the file.
   */
  open(entry: FolderEntry, entries: number): number | undefined {
    if (entries <= entriesMax) {
      const isNewest = this.later === undefined;
      let fd = this.openIn(entry);
      if (fd === "renamed" && !isNewest) {
        this.later = undefined;
        fd = this.openIn(entry);
      }
      if (fd !== "renamed") {
        this.missedInodes.delete(entry.inode);
        return fd;
      }
    }
    this.missedInodes.add(entry.inode);
    return undefined;
  }

  private openIn(entry: FolderEntry): number | "renamed" | undefined {
    this.later ??= this.folder.look();
    if (this.later === undefined) return undefined;
    const now = [...this.later.entries.values()].find(({ inode }) => inode === entry.inode);
    if (now === undefined) return this.later.settled ? undefined : "renamed";
    // The number of a removed file's inode may have been given to a new one.
    if (now.size !== entry.size || now.mtimeNs !== entry.mtimeNs) return "renamed";
    return this.openAs(entry, now.name) ?? "renamed";
  }
}
