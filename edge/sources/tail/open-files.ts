/**
 * The descriptors of a source: not more than may be held, and when the process can open nothing more, those that nobody
 * needs just now are given up first.
 */
import { isDescriptorShortage, shortageOf } from "../../../shared/files/descriptor-shortage.ts";
import { type OpenRules, openRegular } from "../../../shared/files/open-regular.ts";
import type { FollowedFile } from "./followed-file.ts";
import { openCount } from "./open-count.ts";

/** A look at a folder has so many files open at a time, beside those that it leaves open. */
const spareForLook = 8;
/** So many idle files are given up in one go: finding them is a walk through all files. */
const givenUpAtOnce = 64;

export class OpenFiles {
  /** A walk found none to give up; not tried again before the next look. */
  private isSpent = false;

  constructor(
    private readonly max: number,
    private readonly files: () => Iterable<FollowedFile>,
  ) {}

  /** Opens a regular file for reading. Never waits. @throws what the system or the rules refuse. */
  open(path: string, rules: OpenRules): number {
    try {
      return openRegular(path, rules);
    } catch (thrown) {
      if (!isDescriptorShortage(thrown) || !this.giveUpIdle()) throw thrown;
      return openRegular(path, rules);
    }
  }

  /**
   * A folder is looked at now. Without room for that nothing may be concluded: what cannot be opened would seem to be gone.
   *
   * @throws the system's error when nothing more can be opened, and nothing is left to be given up.
   */
  beginLook(): void {
    this.isSpent = false;
    if (shortageOf(spareForLook) === undefined) return;
    this.giveUpIdle();
    const shortage = shortageOf(spareForLook);
    if (shortage !== undefined) throw shortage;
  }

  /** This file was opened. Where more are open than may be, idle ones are closed for it; it itself when there are none. */
  bound(file: FollowedFile): void {
    if (openCount.now <= this.max) return;
    if (!file.isIdle && !this.isSpent) this.isSpent = !this.giveUpIdle();
    if (openCount.now > this.max && file.isPresent) file.close();
  }

  /** Closes as many as are too many: those that are idle, then those that were quiet for longest. */
  boundAll(): void {
    if (openCount.now <= this.max) return;
    const closable = [...this.files()].filter((file) => file.fd !== undefined && file.isPresent);
    closable.sort((a, b) => Number(b.isIdle) - Number(a.isIdle) || a.grewMs - b.grewMs);
    for (const file of closable) {
      if (openCount.now <= this.max) return;
      file.close();
    }
  }

  /** False: there was none. */
  private giveUpIdle(): boolean {
    let closed = 0;
    for (const file of this.files()) {
      if (file.fd === undefined || !file.isPresent || !file.isIdle) continue;
      file.close();
      if (++closed === givenUpAtOnce) break;
    }
    return closed > 0;
  }
}
