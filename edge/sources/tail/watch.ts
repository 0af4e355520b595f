/**
 * Says that something happened in a directory. A hint only: polling finds whatever it misses.
 *
 * Every write to a watched directory wakes the process. Where lines come all the time that costs more than reading them
 * (100 lines/s: 1 % of a core), so a busy directory is not watched for a while but looked at in intervals
 * (attention.ts decides).
 */
import { type FSWatcher, statSync, watch } from "node:fs";
import { systemPath } from "../../../shared/files/path-text.ts";

/** Events of one directory. */
export class DirectoryWatch {
  private watcher: FSWatcher | undefined;
  private inode: bigint | undefined;

  constructor(
    private readonly path: () => string,
    /** `name` was written; undefined: names changed, or nobody knows what happened. */
    private readonly onEvent: (name: string | undefined) => void,
  ) {}

  get watching(): boolean {
    return this.watcher !== undefined;
  }

  /**
   * Begins; false when the system refuses (no such directory, no watches left). Harmless when it has begun; begins again
   * when the directory was removed and made anew, of which a watch says nothing.
   */
  start(): boolean {
    try {
      const path = this.path();
      const inode = statSync(systemPath(path), { bigint: true }).ino;
      if (this.watcher !== undefined && inode === this.inode) return true;
      this.stop();
      this.inode = inode;
      const watcher = watch(systemPath(path), { persistent: true }, (type, name) => {
        if (this.watcher === watcher) this.onEvent(type === "change" ? (name ?? undefined) : undefined);
      });
      this.watcher = watcher;
      watcher.on("error", () => {
        // Polling goes on; the next poll tries to watch again.
        this.stop();
        this.onEvent(undefined);
      });
      return true;
    } catch (thrown) {
      this.stop();
      if (thrown instanceof Error && "code" in thrown) return false;
      throw thrown;
    }
  }

  /** Ends; nothing is reported afterwards. */
  stop(): void {
    const watcher = this.watcher;
    this.watcher = undefined;
    watcher?.close();
  }
}
