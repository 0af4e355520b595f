import { closeSync } from "node:fs";
import type { Holding } from "../../core/source.ts";
import type { FollowedFile } from "./followed-file.ts";

/**
 * The descriptors of a tail source that has ended, for the object that takes its place. A file that was deleted, or moved to
 * where nobody looks, has no other way left: who goes on by stored positions alone would find it gone, and count it lost.
 */
export class HeldFiles implements Holding {
  private readonly descriptors = new Map<string, number>();

  /** Takes over what the file has open. */
  keep(file: FollowedFile): void {
    const fd = file.surrender();
    if (fd !== undefined) this.descriptors.set(file.key, fd);
  }

  /** Gives the file what was open of it, if that is what its position speaks of. */
  giveTo(file: FollowedFile): void {
    const fd = this.descriptors.get(file.key);
    if (fd === undefined) return;
    this.descriptors.delete(file.key);
    if (!file.recognise(fd)) closeSync(fd);
  }

  close(): void {
    for (const fd of this.descriptors.values()) closeSync(fd);
    this.descriptors.clear();
  }
}
