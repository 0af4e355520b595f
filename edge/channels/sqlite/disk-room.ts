import type { Clock } from "../../../shared/clock/clock.ts";
import { freeBytes } from "../../../shared/files/free-bytes.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";

/** How long an answer of the file system holds. */
const freshMs = 1_000;

/** Free space of the file system that a folder is on; asked at most once a second. */
export class DiskRoom {
  private askedAtMs = Number.NEGATIVE_INFINITY;
  /** A disk that does not say is no full one: whoever writes to it is told. */
  private free = Number.POSITIVE_INFINITY;

  constructor(
    private readonly folder: string,
    private readonly clock: Clock,
  ) {}

  /** Bytes that we could still write, as of a second ago at most. */
  freeBytes(): number {
    const nowMs = this.clock.uptimeMs();
    if (nowMs - this.askedAtMs >= freshMs) this.ask(nowMs);
    return this.free;
  }

  /** The same, asked now. */
  freeBytesNow(): number {
    this.ask(this.clock.uptimeMs());
    return this.free;
  }

  private ask(nowMs: number): void {
    this.askedAtMs = nowMs;
    try {
      this.free = freeBytes(this.folder);
    } catch (thrown) {
      // The folder was moved or removed under us: what it said last is the best there is.
      if (!isFileTrouble(thrown)) throw thrown;
    }
  }
}
