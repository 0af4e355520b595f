/** Which file of a trail is read next, and its next chunk. */
import { isDescriptorShortage } from "../../../shared/files/descriptor-shortage.ts";
import { shownPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import type { Ending } from "../../../shared/lines/split-lines.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { limits } from "../../core/limits.ts";
import type { LineIntake } from "../../core/line-intake.ts";
import type { Config } from "./config.ts";
import type { Directory } from "./directory.ts";
import type { DirectoryHost } from "./directory-book.ts";
import type { FollowedFile } from "./followed-file.ts";
import type { Obstacles } from "./obstacles.ts";
import { ChunkReader } from "./read-chunk.ts";
import { splittersFor } from "./splitters.ts";
import { signals } from "./telemetry.ts";

export interface TrailReaderOptions {
  readonly config: Config;
  readonly host: DirectoryHost;
  readonly obstacles: Obstacles;
  readonly report: Report;
  readonly output: LineIntake;
  /** Something about this folder can only be found out by a scan. */
  readonly wakeScan: (directory: Directory) => void;
}

/** A file that waits for a descriptor is tried again after this. */
const shortageMs = 250;

export class TrailReader {
  private readonly chunks: ChunkReader;
  private saidUtf16 = false;
  private readonly troubled = new Map<FollowedFile, number>();
  /** Files of which it is said that they cannot be read. */
  private readonly said = new Set<FollowedFile>();

  constructor(private readonly options: TrailReaderOptions) {
    const { config, output, report } = options;
    const splitterOf = splittersFor(config, output, (file) => {
      if (this.saidUtf16) return;
      this.saidUtf16 = true;
      report(signals.utf16, { path: shownPath(file.path) });
    });
    this.chunks = new ChunkReader(splitterOf, limits.readBytes);
  }

  /** The oldest file of the trail that has something to give; undefined also while a half line of an old one is waited for. */
  next(directory: Directory, trail: string): FollowedFile | undefined {
    const files = directory.book.trails.get(trail) ?? [];
    const nowMs = this.options.host.uptimeMs();
    for (const [index, file] of files.entries()) {
      if (directory.isOutOfReach(file)) continue;
      if (directory.awaitsScan(file)) return undefined;
      const retryMs = this.troubled.get(file);
      if (retryMs !== undefined) {
        if (nowMs < retryMs) continue;
        this.troubled.delete(file);
      }
      if (!file.atEnd) {
        if (mayGive(file)) return file;
      } else if (this.deadlineMs(file) <= nowMs) {
        return file;
      } else if (file.unread > 0 && file.isRotated && index < files.length - 1) {
        return undefined;
      }
    }
    return undefined;
  }

  /** The next chunk of one file; never throws for what the world does. */
  readChunk(directory: Directory, file: FollowedFile): void {
    const { book } = directory;
    const { host, report } = this.options;
    try {
      if (!file.open(book.openAt)) {
        // Its path leads elsewhere, and nothing is in the way there: the scan says what is in the way of the file.
        this.clearTrouble(file);
        directory.hold(file);
        this.options.wakeScan(directory);
        return;
      }
      const { offset, given } = file;
      const ending = this.ending(file);
      const result = this.chunks.read(file, this.outputFor(file), ending);
      this.clearTrouble(file);
      if (result === "changed" || result === "unmet") {
        if (result === "changed") directory.noteChanged(file);
        else directory.hold(file);
        this.options.wakeScan(directory);
        return;
      }
      book.lose(file, file.provenSize + this.chunks.missing, this.chunks.missing);
      if (file.offset !== offset || file.given !== given) host.moved(file);
      if (file.isDeleted && result === "end" && ending === "final") {
        report(signals.fileFinished, { path: shownPath(file.path), bytes: file.offset });
        if (!book.isCompressing(file)) book.noteRead(file);
        book.forget(file);
      } else {
        host.boundOpen(file);
      }
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      const look = this.options.obstacles.look(`reading ${file.key}`);
      look.note(file.path, thrown);
      look.end();
      this.said.add(file);
      const { pollInterval } = this.options.config;
      const againMs = isDescriptorShortage(thrown) ? Math.min(shortageMs, pollInterval) : pollInterval;
      this.troubled.set(file, host.uptimeMs() + againMs);
    }
  }

  /** Lets trails sleep in which nothing is to be done until something happens; answers when to look at the others. */
  rest(directory: Directory): number {
    const { book } = directory;
    // One that was replaced or removed is in nobody's way any more; one that is elsewhere is told where it is.
    for (const file of this.said) {
      if (file.role === "forgotten" || directory.isOutOfReach(file)) this.clearTrouble(file);
    }
    let dueMs = Number.POSITIVE_INFINITY;
    for (const trail of [...book.awake]) {
      let trailMs = Number.POSITIVE_INFINITY;
      let isWaiting = false;
      for (const file of book.trails.get(trail) ?? []) {
        if (directory.isOutOfReach(file)) continue;
        if (directory.awaitsScan(file)) isWaiting = true;
        else trailMs = Math.min(trailMs, this.troubled.get(file) ?? this.whenToRead(file));
      }
      dueMs = Math.min(dueMs, trailMs);
      if (trailMs === Number.POSITIVE_INFINITY && !isWaiting) book.awake.delete(trail);
    }
    return dueMs;
  }

  private whenToRead(file: FollowedFile): number {
    if (file.atEnd) return this.deadlineMs(file);
    // One that has something to give and was not read waits for an older one, which has its own time.
    return mayGive(file) ? Number.MAX_SAFE_INTEGER : Number.POSITIVE_INFINITY;
  }

  /** When something is to be done about a file that was read to its end. */
  private deadlineMs(file: FollowedFile): number {
    const { rotateWait, partialLineAfter, multiline } = this.options.config;
    let afterMs = Number.POSITIVE_INFINITY;
    if (file.isRotated && (file.unread > 0 || file.isDeleted)) afterMs = rotateWait;
    if (file.unread > 0 && partialLineAfter !== undefined) afterMs = Math.min(afterMs, partialLineAfter);
    if (file.unread > 0 && multiline !== undefined && !file.flushed) afterMs = Math.min(afterMs, multiline.flushAfter);
    return file.grewMs + afterMs;
  }

  private ending(file: FollowedFile): Ending {
    const { rotateWait, partialLineAfter, multiline } = this.options.config;
    const quietMs = this.options.host.uptimeMs() - file.grewMs;
    if (file.isRotated && quietMs >= rotateWait) return "final";
    if (partialLineAfter !== undefined && quietMs >= partialLineAfter) return "final";
    if (multiline !== undefined && quietMs >= multiline.flushAfter) {
      file.flushed = true;
      return "flush";
    }
    return "keep";
  }

  private clearTrouble(file: FollowedFile): void {
    this.troubled.delete(file);
    if (this.said.delete(file)) this.options.obstacles.look(`reading ${file.key}`).end();
  }

  /** A line says the name by which the config asks for its file: the link, not what it leads to. */
  private outputFor(file: FollowedFile): LineIntake {
    const { output } = this.options;
    const path =
      file.link !== undefined && file.path.startsWith(file.trail)
        ? file.link + file.path.slice(file.trail.length)
        : file.path;
    if (output.path !== path) output.path = path;
    return output;
  }
}

function mayGive(file: FollowedFile): boolean {
  return file.fd !== undefined || file.unread > 0 || file.isUnverified;
}
