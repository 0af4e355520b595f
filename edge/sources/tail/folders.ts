/**
 * The folders of a source: found by its patterns and by links to files, each once, whatever leads to it. A folder is
 * opened by its path without links and shown by the path that the config says.
 */
import { lstatSync, statSync } from "node:fs";
import { isBelow, resolveLinks } from "../../../shared/files/links.ts";
import { kindOf } from "../../../shared/files/open-regular.ts";
import { childOf, folderOf, nameOf, systemPath } from "../../../shared/files/path-text.ts";
import { FileRefused, isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";
import type { FileAccess } from "../../core/file-fields.ts";
import { Attention } from "./attention.ts";
import { Directory } from "./directory.ts";
import type { DirectoryHost } from "./directory-book.ts";
import { FolderFinder, type FoundFolder } from "./discover.ts";
import { leadsTo } from "./file-stat.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { PathPattern } from "./glob.ts";
import { MissingFiles } from "./missing-files.ts";
import type { Obstacles } from "./obstacles.ts";

export interface FoldersOptions {
  readonly patterns: readonly PathPattern[];
  readonly access: FileAccess;
  readonly obstacles: Obstacles;
  readonly host: DirectoryHost;
  readonly wake: () => void;
}

export class Folders {
  private readonly byPath = new Map<string, Attention>();
  private readonly byReal = new Map<string, Attention>();
  /** Files that are gone from their folder. */
  readonly missing: MissingFiles;
  /** Folders that were expected and not there at the first look, with the file system they would have been on. */
  private readonly absent = new Map<string, bigint>();
  /** Folders that could not be looked at when all others were for the first time. */
  private readonly unseen = new Set<string>();
  private readonly finder: FolderFinder;

  constructor(private readonly options: FoldersOptions) {
    this.finder = new FolderFinder(options.access.follow, () => options.host.wallMs());
    this.missing = new MissingFiles({
      folders: () => this.all(),
      mayGrow: options.patterns.some(
        ({ alternatives, fixedDirectories }) => fixedDirectories.length < alternatives.length,
      ),
      wallMs: () => options.host.wallMs(),
    });
  }

  /** Each once. */
  all(): Iterable<Attention> {
    return this.byReal.values();
  }

  /** Looks for folders that came since. */
  discover(): void {
    const { patterns, obstacles } = this.options;
    const look = obstacles.look("folders");
    for (const folder of this.finder.find(patterns, look.note)) this.enter(folder);
    look.end();
    // Those that are expected by name are known while they are not there: what was followed in them is kept.
    for (const path of patterns.flatMap((pattern) => pattern.fixedDirectories)) this.at(path);
    this.missing.noteDiscovery();
  }

  /** The folder of this path, there or not. */
  at(path: string, real = this.realOf(path)): Attention {
    let attention = this.byPath.get(path) ?? this.byReal.get(real);
    if (attention === undefined) {
      const { host, wake } = this.options;
      const directory = new Directory(path, host);
      directory.book.real = real;
      attention = new Attention(directory, () => host.uptimeMs(), wake);
      this.byReal.set(real, attention);
    }
    if (this.byPath.get(path) === undefined) {
      this.byPath.set(path, attention);
      attention.directory.book.names.forget();
    }
    return attention;
  }

  /** All paths that lead to the folder that is shown by this one. */
  pathsOf(path: string): readonly string[] {
    const attention = this.byPath.get(path);
    return [...this.byPath].filter(([, other]) => other === attention).map(([each]) => each);
  }

  /** Follows the links in a folder to files; says which are not followed. */
  followLinks(directory: Directory, note: (path: string, thrown: unknown) => void): void {
    for (const name of directory.links) {
      const link = childOf(directory.path, name);
      try {
        const target = resolveLinks(childOf(directory.book.real, name), this.options.access.follow, {
          from: directory.book.real,
        });
        const stat = lstatSync(systemPath(target), { bigint: true });
        if (stat.isDirectory()) continue;
        if (!stat.isFile()) throw new FileRefused(link, `a link to ${kindOf(stat)}`);
        const attention = this.at(folderOf(target), folderOf(target));
        const { book } = attention.directory;
        if (book.linked.has(nameOf(target)) || this.options.host.matches(book.path, nameOf(target))) continue;
        book.askFor(nameOf(target), link);
        attention.dirty = true;
      } catch (thrown) {
        if (!isFileTrouble(thrown)) throw thrown;
        // One that leads nowhere is no file yet.
        if (systemCode(thrown) !== "ENOENT") note(link, thrown);
      }
    }
  }

  /** See `DirectoryHost.isOutOfReach`. */
  isOutOfReach({ inode, otherName }: FollowedFile): boolean {
    if (otherName !== undefined && leadsTo(otherName, inode) !== false) return true;
    for (const { directory } of this.all()) {
      const { book } = directory;
      // Of a folder that was never read nothing is expected: it may be closed for ever.
      if (book.unopened.has(inode) || (book.isUnreadable && book.files.size > 0)) return true;
    }
    return false;
  }

  /** A folder cannot be read any more: what is known in it is asked for under its names elsewhere. */
  noteUnreadable({ book }: Directory): void {
    // What is open is read on: there will be no picture.
    book.noteMet(book.files);
    if (book.isUnreadable) return;
    book.isUnreadable = true;
    if (book.files.size > 0) for (const attention of this.all()) attention.dirty = true;
  }

  /** All was looked at once: from now on what comes is new, but for what could not be looked at. */
  noteFirstLook(): void {
    for (const attention of this.all()) {
      const { directory } = attention;
      if (directory.present) continue;
      if (directory.book.isUnreadable) this.unseen.add(directory.path);
      else this.absent.set(directory.path, deviceAbove(directory.path));
    }
    for (const path of this.options.obstacles.pathsIn("folders")) this.unseen.add(path);
  }

  /** Whether a folder has just come into sight that was there before. */
  isFirstSight(path: string): boolean {
    for (const hidden of this.unseen) if (path === hidden || isBelow(path, hidden)) return true;
    const device = this.absent.get(path);
    // It came with a disk: what is on it was there before us.
    return device !== undefined && this.byPath.get(path)?.directory.book.last?.device !== device;
  }

  /** A folder was looked at. */
  noteSeen(directory: Directory): void {
    if (!directory.present || directory.book.unsettled) return;
    this.absent.delete(directory.path);
    this.unseen.delete(directory.path);
  }

  private enter({ path, real }: FoundFolder): void {
    const known = this.byPath.get(path);
    if (known === undefined) this.at(path, real);
    else if (known.directory.book.real !== real) this.retarget(path, known, real);
  }

  /** The path leads to another folder than before. */
  private retarget(path: string, known: Attention, real: string): void {
    if (known.directory.path !== path || this.byReal.has(real)) {
      this.byPath.delete(path);
      this.at(path, real);
      return;
    }
    this.byReal.delete(known.directory.book.real);
    this.byReal.set(real, known);
    known.retarget(real);
  }

  private realOf(path: string): string {
    try {
      return resolveLinks(path, this.options.access.follow);
    } catch (thrown) {
      if (isFileTrouble(thrown)) return path;
      throw thrown;
    }
  }
}

/** The file system of the nearest folder above that exists. */
function deviceAbove(path: string): bigint {
  for (let at = folderOf(path); ; at = folderOf(at)) {
    try {
      const stat = statSync(systemPath(at), { bigint: true, throwIfNoEntry: false });
      if (stat !== undefined || at === "/") return stat?.dev ?? 0n;
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      if (at === "/") return 0n;
    }
  }
}
