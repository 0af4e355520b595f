/**
 * Files of stored positions that no pattern of the config names any more. They are neither read nor held open, and their
 * positions stay stored as they are: a pattern that names them again goes on where they were left.
 *
 * In a directory that is looked at for other files they still have to be known by what they are. One that is renamed to
 * a name the config asks for is followed again; one whose name merely begins with such a name (`x.log.notes` beside
 * `x.log`) is no missed generation of that log.
 */
import { closeSync } from "node:fs";
import { childOf } from "../../../shared/files/path-text.ts";
import type { Fields } from "../../../shared/telemetry/log.ts";
import type { DirectoryBook } from "./directory-book.ts";
import { FollowedFile } from "./followed-file.ts";
import type { FolderEntry, FolderSnapshot } from "./snapshot.ts";

export class UnnamedFiles {
  private readonly files = new Set<FollowedFile>();

  constructor(private readonly book: DirectoryBook) {}

  add(file: FollowedFile): void {
    this.files.add(file);
  }

  /** Hands those that have an asked-for name now over to the book. Answers the inodes of those that are here and stay unread. */
  find(snapshot: FolderSnapshot): ReadonlySet<bigint> {
    const unread = new Set<bigint>();
    if (this.files.size === 0) return unread;
    const entries = Map.groupBy(snapshot.entries.values(), (entry) => entry.inode);
    for (const known of this.book.files) entries.delete(known.inode);
    for (const file of [...this.files]) {
      const links = entries.get(file.inode) ?? [];
      const entry = links.find(({ name }) => this.isAsked(name)) ?? links[0];
      if (entry === undefined) continue;
      const found = this.compare(file, entry);
      // Its inode was given to another file, or it was truncated: what is there now is new.
      if (found === "other") this.files.delete(file);
      if (found !== "same") continue;
      if (this.isAsked(entry.name)) this.follow(file, entry.name);
      else unread.add(entry.inode);
    }
    return unread;
  }

  private isAsked(name: string): boolean {
    return this.book.names.meaning(name).kind === "asked";
  }

  /** It goes on under its new name, as the youngest of the trail of that. */
  private follow(file: FollowedFile, name: string): void {
    const { host } = this.book;
    const path = childOf(this.book.path, name);
    const cursor = { ...file.cursor(), path, trail: this.book.trailOf(name) ?? path };
    const followed = FollowedFile.restore(host.nextSequence(), cursor);
    followed.grewMs = host.uptimeMs();
    this.files.delete(file);
    file.role = "forgotten";
    this.book.add(followed);
    host.moved(file);
    host.moved(followed);
  }

  /** Whether what stands there is this file. It is not held open. */
  private compare(file: FollowedFile, entry: FolderEntry): "same" | "other" | "unknown" {
    if (file.isAsSeen(entry)) return "same";
    const fd = this.book.openEntry(entry);
    if (fd === undefined) return "unknown";
    if (!file.recognise(fd)) {
      closeSync(fd);
      return "other";
    }
    file.close();
    return "same";
  }
}

/** For one line of the log: how many, which ones, and what is known to be unread in them. */
export function describeUnnamed(files: readonly FollowedFile[]): Fields {
  const paths = files.slice(0, pathsMax).map((file) => file.path);
  const rest = files.length - paths.length;
  return {
    files: files.length,
    unreadBytes: files.reduce((sum, file) => sum + file.provenUnread, 0),
    paths: paths.join(", ") + (rest > 0 ? `, and ${rest} more` : ""),
  };
}

/** So many are named in a line of the log; the status page has all. */
const pathsMax = 20;
