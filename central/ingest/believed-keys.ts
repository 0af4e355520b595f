import { AppError } from "../../shared/errors/app-error.ts";
import type { KeyList } from "../../shared/signature/key-list.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import { readKeyFiles, stampOfKeyFiles } from "../config/key-files.ts";
import { keysRead, keysUnreadable } from "../telemetry.ts";

/** How soon a key that was added or taken away counts. */
const lookEveryMs = 2_000;

/**
 * The keys whose signatures are believed, read again when their files change. Files with a mistake change nothing: the keys
 * before go on, and it is said.
 */
export class BelievedKeys {
  private known: KeyList;
  private stamp: string;
  private readonly timer: ReturnType<typeof setInterval>;

  /** @throws AppError `CONFIG_INVALID` when they cannot be read now. */
  constructor(
    private readonly path: string,
    private readonly report: Report,
  ) {
    this.stamp = stampOfKeyFiles(path);
    const read = readKeyFiles(path);
    if (!read.ok) throw new AppError("CONFIG_INVALID", `read the keys of signatures: ${read.mistakes.join("; ")}`);
    this.known = read.keys;
    this.timer = setInterval(() => this.look(), lookEveryMs);
    this.timer.unref();
  }

  get keys(): KeyList {
    return this.known;
  }

  /** Reads the files again if they have changed. */
  look(): void {
    const stamp = stampOfKeyFiles(this.path);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    const read = readKeyFiles(this.path);
    if (!read.ok) {
      this.report(keysUnreadable, { path: this.path, mistakes: read.mistakes.slice(0, 5).join("; ") });
      return;
    }
    this.known = read.keys;
    this.report(keysRead, { path: this.path, agents: read.keys.size });
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
