/**
 * The tail source: two loops that share one thread.
 *
 * - The scan loop looks at directories (on events, and in intervals whatever the events say) and keeps the trails: which
 *   files there are, in which order. It goes on while the channel is full, so that files which are rotated away and
 *   deleted meanwhile are held open.
 * - The read loop takes one chunk of one trail after the other, in turns, and waits for the intake between two chunks.
 *
 * Neither waits between reading and moving a position, so a commit always finds positions exactly behind the lines.
 */
import { dirname } from "node:path";
import { Alarm } from "../../../shared/async/alarm.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Ending } from "../../../shared/lines/split-lines.ts";
import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import { LineIntake } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import { Attention } from "./attention.ts";
import type { Config } from "./config.ts";
import { Directory } from "./directory.ts";
import type { DirectoryHost } from "./directory-book.ts";
import { excluder, PathPattern } from "./discover.ts";
import type { FollowedFile } from "./followed-file.ts";
import { splitterFor } from "./multiline.ts";
import { ChunkReader } from "./read-chunk.ts";
import { PatternMark, readStored } from "./stored-files.ts";
import { signals } from "./telemetry.ts";
import { describeUnnamed } from "./unnamed-files.ts";

/** Events that come in bunches are answered together: at once for the first, then at most this often. */
const wakeIntervalMs = 5;
/** Busy files are read before each commit, and not less often than this: one that is truncated takes unread lines with it. */
const readIntervalMsMax = 200;
/** A directory that did not stand still is looked at again after this. */
const unsettledMs = 20;

export class TailSource implements Source {
  private readonly patterns: readonly { readonly pattern: PathPattern; lookedAt: boolean }[];
  private readonly reader: ChunkReader;
  private readonly attentions = new Map<string, Attention>();
  private readonly scanAlarm = new Alarm();
  private readonly readAlarm = new Alarm();
  private readonly host: DirectoryHost;
  private readonly troubled = new Map<FollowedFile, number>();
  private unnamed: readonly FollowedFile[] = [];
  private output: LineIntake | undefined;
  private intake: Intake | undefined;
  private sequence = 1;
  private closed = false;
  private lastWakeMs = 0;
  private wakeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    this.patterns = config.paths.map((path) => ({ pattern: new PathPattern(path), lookedAt: false }));
    this.reader = new ChunkReader(splitterFor(config), limits.readBytes);
    this.host = this.makeHost();
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.intake = intake;
    this.output = new LineIntake(intake, this.config);
    this.restore(intake);
    const ring = () => {
      this.scanAlarm.ring();
      this.readAlarm.ring();
    };
    signal.addEventListener("abort", ring, { once: true });
    try {
      await Promise.all([this.scanLoop(intake, signal), this.readLoop(intake, signal)]);
    } finally {
      signal.removeEventListener("abort", ring);
      this.close();
    }
  }

  async stop(): Promise<void> {
    this.close();
  }

  status(): Readonly<Record<string, unknown>> {
    const files = [...this.files()].filter((file) => !file.aside);
    return {
      files: files.map((file) => ({
        path: file.path,
        offset: file.offset,
        size: file.size,
        unread: file.unread,
        ...(file.rotated ? { rotated: true } : {}),
        ...(file.deleted ? { deleted: true } : {}),
      })),
      unreadBytes: files.reduce((sum, file) => sum + file.unread, 0),
      unnamed: this.unnamed
        .filter((file) => !file.forgotten)
        .map(({ path, offset, provenSize }) => ({ path, offset, size: provenSize })),
    };
  }

  private async scanLoop(intake: Intake, signal: AbortSignal): Promise<void> {
    let pollDueMs = 0;
    while (!signal.aborted) {
      const nowMs = this.host.uptimeMs();
      if (nowMs >= pollDueMs) {
        pollDueMs = nowMs + this.config.pollInterval;
        this.discover();
        for (const attention of this.attentions.values()) attention.dirty = true;
      }
      let waitMs = pollDueMs - nowMs;
      for (const attention of this.attentions.values()) {
        if (attention.busy) attention.glance();
        if (attention.dirty) this.scan(attention);
        if (attention.busy) waitMs = Math.min(waitMs, this.readOnBeat(intake));
        if (attention.dirty) waitMs = Math.min(waitMs, unsettledMs);
      }
      this.noteFirstLook();
      this.readAlarm.ring();
      await this.scanAlarm.wait(Math.max(1, waitMs));
      this.lastWakeMs = this.host.uptimeMs();
    }
  }

  /** A directory is busy: its files are read right before each commit. Answers when to look whatever the commits do. */
  private readOnBeat(intake: Intake): number {
    if (this.config.readInterval !== undefined) return this.config.readInterval;
    intake.beforeCommit(this.catchUp);
    return readIntervalMsMax;
  }

  /** One look at the busy directories, and a chunk of each file that grew; the rest is the read loop's. */
  private readonly catchUp = (): void => {
    const { intake } = this;
    if (intake === undefined || this.closed) return;
    for (const attention of this.attentions.values()) {
      if (!attention.busy) continue;
      intake.beforeCommit(this.catchUp);
      attention.glance();
      if (attention.dirty) this.scanAlarm.ring();
      const { directory } = attention;
      for (const trail of directory.book.trails.keys()) {
        const file = this.fileToRead(directory, trail);
        if (file === undefined) continue;
        if (intake.takesNow()) this.readChunk(directory, file);
        if (!file.atEnd) this.readAlarm.ring();
      }
    }
  };

  private async readLoop(intake: Intake, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let read = false;
      for (const { directory } of this.attentions.values()) {
        for (const trail of directory.book.trails.keys()) {
          if (this.fileToRead(directory, trail) === undefined) continue;
          await intake.ready(signal);
          if (signal.aborted) return;
          // The wait may have been long: what is to be read is asked again.
          const file = this.fileToRead(directory, trail);
          if (file === undefined) continue;
          read = true;
          this.readChunk(directory, file);
        }
      }
      if (!read) await this.readAlarm.wait(this.nextDeadlineMs());
    }
  }

  /** The next chunk of one file; never throws for what the world does. */
  private readChunk(directory: Directory, file: FollowedFile): void {
    try {
      if (!file.open()) {
        directory.hold(file);
        this.wakeScan(directory);
        return;
      }
      const offset = file.offset;
      const ending = this.ending(file);
      const result = this.reader.read(file, this.outputFor(file), ending);
      if (result === "changed" || result === "unmet") {
        if (result === "changed") directory.noteChanged(file);
        else directory.hold(file);
        this.wakeScan(directory);
        return;
      }
      directory.book.lose(file, file.provenSize + this.reader.missing, this.reader.missing);
      if (file.offset !== offset) this.host.moved(file);
      if (file.deleted && result === "end" && ending === "final") {
        this.context.report(signals.fileFinished, { path: file.path, bytes: file.offset });
        directory.book.forget(file);
      }
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && "syscall" in thrown)) throw thrown;
      this.context.report(signals.unreadable, { path: file.path, error: messageOf(thrown) });
      this.troubled.set(file, this.host.uptimeMs() + this.config.pollInterval);
    }
  }

  /** The oldest file of the trail that has something to give; undefined also while a half line of an old one is waited for. */
  private fileToRead(directory: Directory, trail: string): FollowedFile | undefined {
    const files = directory.book.trails.get(trail) ?? [];
    for (const [index, file] of files.entries()) {
      if (directory.awaitsScan(file)) return undefined;
      const retryMs = this.troubled.get(file);
      if (retryMs !== undefined) {
        if (this.host.uptimeMs() < retryMs) continue;
        this.troubled.delete(file);
      }
      if (!file.atEnd) {
        if (file.fd !== undefined || file.unread > 0 || file.isUnverified) return file;
      } else if (this.deadlineMs(file) <= this.host.uptimeMs()) {
        return file;
      } else if (file.unread > 0 && file.rotated && index < files.length - 1) {
        return undefined;
      }
    }
    return undefined;
  }

  /** When something is to be done about a file that was read to its end. */
  private deadlineMs(file: FollowedFile): number {
    const { rotateWait, partialLineAfter, multiline } = this.config;
    let afterMs = Number.POSITIVE_INFINITY;
    if (file.rotated && (file.unread > 0 || file.deleted)) afterMs = rotateWait;
    if (file.unread > 0 && partialLineAfter !== undefined) afterMs = Math.min(afterMs, partialLineAfter);
    if (file.unread > 0 && multiline !== undefined && !file.flushed) afterMs = Math.min(afterMs, multiline.flushAfter);
    return file.grewMs + afterMs;
  }

  private ending(file: FollowedFile): Ending {
    const { rotateWait, partialLineAfter, multiline } = this.config;
    const quietMs = this.host.uptimeMs() - file.grewMs;
    if (file.rotated && quietMs >= rotateWait) return "final";
    if (partialLineAfter !== undefined && quietMs >= partialLineAfter) return "final";
    if (multiline !== undefined && quietMs >= multiline.flushAfter) {
      file.flushed = true;
      return "flush";
    }
    return "keep";
  }

  private nextDeadlineMs(): number {
    const nowMs = this.host.uptimeMs();
    let next = Number.POSITIVE_INFINITY;
    for (const file of this.files()) {
      if (file.aside || (file.atEnd && file.unread === 0 && !file.deleted)) continue;
      next = Math.min(next, this.troubled.get(file) ?? (file.atEnd ? this.deadlineMs(file) : Number.POSITIVE_INFINITY));
    }
    return Math.max(1, next - nowMs);
  }

  private scan(attention: Attention): void {
    const { directory } = attention;
    attention.dirty = false;
    try {
      directory.scan();
      attention.dirty = directory.book.unsettled;
      if (directory.present && !attention.begin()) {
        this.context.report(signals.unwatched, { path: directory.path });
      }
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && "syscall" in thrown)) throw thrown;
      this.context.report(signals.directoryUnreadable, { path: directory.path, error: messageOf(thrown) });
    }
    this.boundOpenFiles(directory);
  }

  /** Closes what is read and quiet; more when too many are open. */
  private boundOpenFiles(directory: Directory): void {
    const idle = (file: FollowedFile) => file.atEnd && file.unread === 0 && !file.deleted;
    const quietSinceMs = this.host.uptimeMs() - this.config.idleClose;
    for (const file of [...directory.book.files]) {
      if (file.fd === undefined || !idle(file) || file.grewMs > quietSinceMs) continue;
      // Without its directory it could not be found again: it is finished.
      if (file.elsewhere) directory.book.forget(file);
      else file.close();
    }
    const open = [...this.files()].filter((file) => file.fd !== undefined);
    const excess = open.length - this.config.openFilesMax;
    if (excess <= 0) return;
    const closable = open.filter((file) => file.isPresent && !file.isBarelyKnown);
    closable.sort((a, b) => Number(idle(b)) - Number(idle(a)) || a.grewMs - b.grewMs);
    for (const file of closable.slice(0, excess)) file.close();
  }

  /** Folders may have come since the last look. */
  private discover(): void {
    for (const { pattern } of this.patterns) {
      for (const path of pattern.directories()) this.directoryOf(path);
      if (pattern.fixedDirectory !== undefined) this.directoryOf(pattern.fixedDirectory);
    }
  }

  private directoryOf(path: string): Attention {
    let attention = this.attentions.get(path);
    if (attention === undefined) {
      attention = new Attention(new Directory(path, this.host), this.host.uptimeMs, () => this.wakeSoon());
      this.attentions.set(path, attention);
    }
    return attention;
  }

  private restore(intake: Intake): void {
    const { report } = this.context;
    const { matches, excluded } = this.host;
    const stored = readStored(intake.positions(), (folder, name) => matches(folder, name) && !excluded(folder, name));
    for (const key of stored.unknown) report(signals.positionUnknown, { key });
    this.sequence = stored.nextSequence;
    for (const file of stored.named) {
      file.grewMs = this.host.uptimeMs();
      this.directoryOf(dirname(file.path)).directory.book.add(file);
    }
    for (const file of stored.unnamed) {
      const folder = dirname(file.path);
      const isLookedAt = this.patterns.some(({ pattern }) => pattern.coversDirectory(folder));
      if (isLookedAt) this.directoryOf(folder).directory.unnamed.add(file);
    }
    this.unnamed = stored.unnamed.filter((file) => !file.aside);
    if (this.unnamed.length > 0) report(signals.unnamed, describeUnnamed(this.unnamed));
    for (const entry of this.patterns) entry.lookedAt = stored.looked.has(entry.pattern.pattern);
  }

  /** Once all that was there is stored as known, whatever comes later is new. */
  private noteFirstLook(): void {
    for (const entry of this.patterns) {
      if (entry.lookedAt) continue;
      const fixed = entry.pattern.fixedDirectory;
      const directories = [...this.attentions.values()].map(({ directory }) => directory);
      if (directories.some((directory) => directory.book.unsettled)) continue;
      if (fixed !== undefined && this.attentions.get(fixed)?.directory.present !== true) continue;
      entry.lookedAt = true;
      this.host.moved(new PatternMark(entry.pattern.pattern));
    }
  }

  private wakeSoon(): void {
    if (this.wakeTimer !== undefined) return;
    const waitMs = this.lastWakeMs + wakeIntervalMs - this.host.uptimeMs();
    if (waitMs <= 0) this.scanAlarm.ring();
    else {
      this.wakeTimer = setTimeout(() => {
        this.wakeTimer = undefined;
        this.scanAlarm.ring();
      }, waitMs);
    }
  }

  private wakeScan(directory: Directory): void {
    const attention = this.attentions.get(directory.path);
    if (attention !== undefined) attention.dirty = true;
    this.scanAlarm.ring();
  }

  private outputFor(file: FollowedFile): LineIntake {
    if (this.output === undefined) throw new Error("read a chunk: the source does not run");
    this.output.path = file.path;
    return this.output;
  }

  private *files(): Iterable<FollowedFile> {
    for (const { directory } of this.attentions.values()) yield* directory.book.files;
  }

  private close(): void {
    this.closed = true;
    clearTimeout(this.wakeTimer);
    this.wakeTimer = undefined;
    for (const attention of this.attentions.values()) attention.end();
    for (const file of this.files()) file.close();
  }

  private makeHost(): DirectoryHost {
    const { config, context } = this;
    const asking = (directory: string, name: string) =>
      this.patterns.filter(({ pattern }) => pattern.matches(name) && pattern.coversDirectory(directory));
    return {
      report: context.report,
      start: config.start,
      ignoreOlderThanMs: config.ignoreOlderThan,
      matches: (directory, name) => asking(directory, name).length > 0,
      excluded: excluder(config.exclude),
      isFirstLook: (directory, name) => asking(directory, name).every(({ lookedAt }) => !lookedAt),
      nextSequence: () => this.sequence++,
      uptimeMs: () => context.clock.uptimeMs(),
      wallMs: () => context.clock.now(),
      moved: (what) => this.intake?.moved(what),
      count: (name, amount) => this.intake?.count(name, amount),
    };
  }
}
