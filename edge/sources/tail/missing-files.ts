/**
 * A closed file that is gone from its folder may have been moved, with its folder or without: it is gone only when nobody
 * has it. So folders that came since are looked for first, then every folder that changed is looked at once more, and
 * takes over what is its own. Forgotten before that it would be read again from its beginning there.
 */
import { statSync } from "node:fs";
import { systemPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import type { Attention } from "./attention.ts";
import type { DirectoryBook } from "./directory-book.ts";
import type { FollowedFile } from "./followed-file.ts";

/** A folder that does not stand still is waited for this often. */
const looksMax = 5;
/** Times of folders are coarse: one that changed this recently may have changed again without a new one. */
const freshMs = 1_000;

interface Search {
  /** The conclusion of its folder in which it was missed last: a search goes on from one to the next. */
  missedIn: number;
  /** Waits until folders were looked for more often than this. */
  readonly discoveries: number;
  /** Folders that have to be looked at, with how often they were. Undefined until folders were looked for. */
  pending?: Map<Attention, { readonly conclusions: number; readonly looks: number }>;
}

export interface MissingFilesOptions {
  /** The folders as they are known. */
  readonly folders: () => Iterable<Attention>;
  /** Whether other folders may come into sight. */
  readonly mayGrow: boolean;
  readonly wallMs: () => number;
}

export class MissingFiles {
  /** Folders are to be looked for. */
  wantsDiscovery = false;
  private discoveries = 0;
  private readonly searches = new WeakMap<FollowedFile, Search>();

  constructor(private readonly options: MissingFilesOptions) {}

  /** Folders were looked for. */
  noteDiscovery(): void {
    this.discoveries++;
    this.wantsDiscovery = false;
  }

  /** A file is missed in a conclusion of its folder: whether it has to be looked for elsewhere before it is gone. */
  mayBeElsewhere(book: DirectoryBook, file: FollowedFile): boolean {
    const search = this.searchFor(book, file);
    search.missedIn = book.conclusions;
    if (this.options.mayGrow && this.discoveries <= search.discoveries) {
      this.wantsDiscovery = true;
      return true;
    }
    search.pending ??= this.changedFolders(book);
    for (const [attention, before] of search.pending) {
      const { directory, looks } = attention;
      const { book: other } = directory;
      const isSeen = other.conclusions > before.conclusions || (!directory.present && looks > before.looks);
      if (isSeen || other.isUnreadable || looks >= before.looks + looksMax) search.pending.delete(attention);
    }
    return search.pending.size > 0;
  }

  private searchFor(book: DirectoryBook, file: FollowedFile): Search {
    const known = this.searches.get(file);
    if (known !== undefined && known.missedIn >= book.conclusions - 1) return known;
    const search: Search = { missedIn: book.conclusions, discoveries: this.discoveries };
    this.searches.set(file, search);
    return search;
  }

  /** Those that have to be looked at again; they are told so. */
  private changedFolders(book: DirectoryBook): NonNullable<Search["pending"]> {
    const pending: NonNullable<Search["pending"]> = new Map();
    for (const attention of this.options.folders()) {
      const { directory } = attention;
      if (directory.book === book || directory.book.isUnreadable) continue;
      attention.dirty ||= this.mayHaveChanged(directory.book);
      if (attention.dirty) pending.set(attention, { conclusions: directory.book.conclusions, looks: attention.looks });
    }
    return pending;
  }

  private mayHaveChanged(book: DirectoryBook): boolean {
    try {
      const stat = statSync(systemPath(book.real), { bigint: true, throwIfNoEntry: false });
      if (stat === undefined) return false;
      return stat.mtimeNs !== book.last?.mtimeNs || this.options.wallMs() - Number(stat.mtimeMs) < freshMs;
    } catch (thrown) {
      if (isFileTrouble(thrown)) return false;
      throw thrown;
    }
  }
}
