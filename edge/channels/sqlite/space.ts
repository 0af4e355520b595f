import type { Clock } from "../../../shared/clock/clock.ts";
import { endsProcess, messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { ChannelFile } from "./channel-file.ts";
import { DiskRoom } from "./disk-room.ts";
import { Reserve } from "./reserve.ts";
import { PAGE_BYTES } from "./schema.ts";
import { signals } from "./telemetry.ts";

const MiB = 1024 * 1024;
/** What a put may take beside its bytes: index pages, the log's frames, the file system's own. */
const putMarginBytes = 2 * MiB;
/** With this much free nobody needs to look closer. */
const plentyBytes = 64 * MiB;
/** Free pages in the file from which puts can live while others fill the disk. */
const freePagesBytesEnough = 8 * MiB;
/** The log may be this long before it is cut off; it holds 16 MB in the ordinary course. */
const walBytesMax = 64 * MiB;
const compactLiveBytesMax = 64 * MiB;
const compactRatio = 4;
const tendEveryMs = 1_000;
const compactEveryMs = 60_000;

/** The disk under the file: whether there is room, the reserve, the log's length, the file's size. */
export class Space {
  private readonly room: DiskRoom;
  private readonly reserve: Reserve;
  private tendedMs = Number.NEGATIVE_INFINITY;
  private compactedMs: number;
  private wasWhole = true;
  /** What the channels leave to others; the reserve does too. */
  freeBytesMin: number;

  constructor(
    private readonly file: ChannelFile,
    private readonly options: {
      readonly dataDir: string;
      readonly reservePath: string;
      readonly reserveBytes: number;
      readonly freeBytesMin: number;
      readonly clock: Clock;
      readonly report: Report;
    },
  ) {
    this.room = new DiskRoom(options.dataDir, options.clock);
    this.reserve = new Reserve(options.reservePath, options.reserveBytes);
    this.compactedMs = options.clock.uptimeMs();
    this.freeBytesMin = options.freeBytesMin;
  }

  /** Whether bytes can be put without touching the reserve: on the disk, or into pages of the file that are free. */
  allows(bytes: number): boolean {
    const needed = bytes + putMarginBytes + this.reserve.missingBytes;
    if (this.room.freeBytes() > needed + plentyBytes || this.room.freeBytesNow() > needed) return true;
    return this.freePagesBytes() >= bytes * 1.1 + 64 * 1024;
  }

  /** Whether the disk has less than `freeBytesMin` left for others and the file has no pages of its own to fill. */
  isLow(freeBytesMin: number): boolean {
    return this.room.freeBytes() < freeBytesMin && this.freePagesBytes() < freePagesBytesEnough;
  }

  /** Bytes of the file's pages that hold nothing. */
  freePagesBytes(): number {
    return this.pragma("freelist_count") * PAGE_BYTES;
  }

  /** The disk is full: gives the reserve to ourselves and has the log copied, so that it starts anew. */
  free(): void {
    this.options.report(signals.diskFull, { freeBytes: this.room.freeBytesNow(), folder: this.options.dataDir });
    this.reserve.release();
    this.wasWhole = false;
    this.file.checkpoint("PASSIVE");
  }

  /** What is due between commits; most calls do nothing. `compactable`: nobody would mind a pause now. */
  tend(compactable: boolean): void {
    if (this.reserve.missingBytes > 0) this.growReserve();
    const nowMs = this.options.clock.uptimeMs();
    if (nowMs - this.tendedMs < tendEveryMs) return;
    this.tendedMs = nowMs;
    if (this.file.walBytes() > walBytesMax) this.cutLog();
    if (compactable && nowMs - this.compactedMs >= compactEveryMs) {
      this.compactedMs = nowMs;
      this.compact();
    }
  }

  /** What was committed is stored, whatever becomes of this: only damage may pass for a failure of the commit. */
  private cutLog(): void {
    try {
      if (!this.file.checkpoint("TRUNCATE")) {
        this.options.report(signals.checkpointHeld, { walBytes: this.file.walBytes() });
      }
    } catch (error) {
      if (endsProcess(error)) throw error;
      this.options.report(signals.checkpointFailed, { walBytes: this.file.walBytes(), error: messageOf(error) });
    }
  }

  /**
   * Pages are used again, the file never shrinks by itself. After an outage it may be large and nearly empty: then it is
   * written anew, which costs no more than what is live in it.
   */
  private compact(): void {
    try {
      const pages = this.pragma("page_count");
      const liveBytes = (pages - this.pragma("freelist_count")) * PAGE_BYTES;
      const isSmall = pages * PAGE_BYTES < compactRatio * Math.max(liveBytes, compactLiveBytesMax);
      if (isSmall || liveBytes > compactLiveBytesMax) return;
      this.file.compact();
      this.options.report(signals.compacted, {
        bytesBefore: pages * PAGE_BYTES,
        bytes: this.pragma("page_count") * PAGE_BYTES,
      });
    } catch (error) {
      if (endsProcess(error)) throw error;
      this.options.report(signals.compactFailed, { error: messageOf(error) });
    }
  }

  private growReserve(): void {
    const { report } = this.options;
    if (this.room.freeBytes() < this.reserve.missingBytes + this.freeBytesMin + 2 * putMarginBytes) return;
    try {
      this.reserve.grow();
      if (this.reserve.missingBytes === 0 && !this.wasWhole) {
        this.wasWhole = true;
        report(signals.reserveRestored);
      }
    } catch (error) {
      report(signals.reserveFailed, { error: messageOf(error) });
    }
  }

  private pragma(name: string): number {
    return this.file.pragma(name);
  }
}
