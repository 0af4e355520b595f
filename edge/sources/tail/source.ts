/**
 * The tail source: two loops that share one thread.
 *
 * - The scan loop looks at directories, on events and in intervals, and keeps the trails: which files there are, in which
 *   order. It goes on while the channel is full, so that files which are rotated away and deleted meanwhile are held open.
 * - The read loop takes one chunk of one trail after the other, in turns, and waits for the intake between two chunks.
 *   Only trails in which something happened are looked at: what it costs grows with the lines, not with the files.
 *
 * Neither waits between reading and moving a position, so a commit finds positions exactly after the lines. When one of them
 * fails both end, and the source with them. It runs once.
 */
import { Alarm } from "../../../shared/async/alarm.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { isDescriptorShortage } from "../../../shared/files/descriptor-shortage.ts";
import { childOf, folderOf, nameOf, shownPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import { countingReport } from "../../../shared/telemetry/counting-report.ts";
import type { SourceContext } from "../../core/context.ts";
import { type FileAccess, fileAccess } from "../../core/file-fields.ts";
import type { FileId, FileReader } from "../../core/file-readers.ts";
import { LineIntake } from "../../core/line-intake.ts";
import type { Holding, Intake, Source } from "../../core/source.ts";
import type { Attention } from "./attention.ts";
import type { Config } from "./config.ts";
import type { DirectoryHost } from "./directory-book.ts";
import { excluder } from "./discover.ts";
import { FileIndex } from "./file-index.ts";
import { Folders } from "./folders.ts";
import type { FollowedFile } from "./followed-file.ts";
import { PathPattern } from "./glob.ts";
import { HeldFiles } from "./held-files.ts";
import { Obstacles } from "./obstacles.ts";
import { openCount, ownOpenFilesShare } from "./open-count.ts";
import { OpenFiles } from "./open-files.ts";
import { inFolder, PatternMark, readStored } from "./stored-files.ts";
import { takenOver } from "./taildir-positions.ts";
import { signals } from "./telemetry.ts";
import { TrailReader } from "./trail-reader.ts";
import { describeUnnamed } from "./unnamed-files.ts";

/** Events that come in bunches are answered together: at once for the first, then at most this often. */
const wakeIntervalMs = 5;
/** Busy files are read before each commit, and not less often than this: one that is truncated takes unread lines with it. */
const readIntervalMsMax = 200;

export class TailSource implements Source, FileReader {
  readonly name: string;
  private readonly patterns: readonly { readonly pattern: PathPattern; lookedAt: boolean }[];
  private readonly obstacles: Obstacles;
  private readonly access: FileAccess;
  private readonly folders: Folders;
  private readonly openFiles: OpenFiles;
  private readonly scanAlarm = new Alarm();
  private readonly readAlarm = new Alarm();
  private readonly host: DirectoryHost;
  private unnamed: readonly FollowedFile[] = [];
  private reader: TrailReader | undefined;
  private intake: Intake | undefined;
  private sequence = 1;
  /** What the object before had open. */
  private held: Holding | undefined;
  private closed = false;
  private lastWakeMs = 0;
  private wakeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly config: Config,
    private readonly context: SourceContext,
  ) {
    this.name = context.name;
    this.patterns = config.paths.map((path) => ({ pattern: new PathPattern(path), lookedAt: false }));
    this.obstacles = new Obstacles(context.report);
    this.access = fileAccess(config, context);
    this.openFiles = new OpenFiles(Math.min(config.openFilesMax, ownOpenFilesShare()), () => this.files());
    this.host = this.makeHost();
    this.folders = new Folders({
      patterns: this.patterns.map(({ pattern }) => pattern),
      access: this.access,
      obstacles: this.obstacles,
      host: this.host,
      wake: () => this.wakeSoon(),
    });
    this.obstacles.observe(context.metrics, context.name);
    context.fileReaders.join(this, context.metrics);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    if (this.intake !== undefined) throw new AppError("INVARIANT", "run a tail source a second time");
    this.intake = intake;
    this.restore(intake);
    this.reader = this.makeReader(intake);
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const ring = () => {
      this.scanAlarm.ring();
      this.readAlarm.ring();
    };
    either.addEventListener("abort", ring, { once: true });
    const both = (loop: Promise<void>) =>
      loop.catch((thrown: unknown) => {
        failed.abort();
        throw thrown;
      });
    const loops = [both(this.scanLoop(intake, either)), both(this.readLoop(this.reader, intake, either))];
    const results = await Promise.allSettled(loops);
    either.removeEventListener("abort", ring);
    this.end();
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async stop(): Promise<void> {
    this.end();
    this.held?.close();
    for (const file of this.files()) file.close();
  }

  handOver(): Holding {
    const held = new HeldFiles();
    for (const file of this.files()) held.keep(file);
    return held;
  }

  takeOver(held: Holding): void {
    this.held = held;
  }

  pathOf(id: FileId): string | undefined {
    return this.host.index.pathOf(id);
  }

  unready(): string | undefined {
    const { waiting } = this.obstacles;
    return waiting === 0 ? undefined : `cannot read ${waiting} files or folders: the process can open nothing more`;
  }

  status(): Readonly<Record<string, unknown>> {
    const files = [...this.files()].filter((file) => !file.isAside);
    return {
      files: files.map((file) => ({
        path: shownPath(file.path),
        offset: file.offset,
        size: file.size,
        unread: file.unread,
        ...(file.link === undefined ? {} : { link: shownPath(file.link) }),
        ...(file.isRotated ? { rotated: true } : {}),
        ...(file.isDeleted ? { deleted: true } : {}),
      })),
      unreadBytes: files.reduce((sum, file) => sum + file.unread, 0),
      unnamed: this.unnamed
        .filter((file) => file.role !== "forgotten")
        .map(({ path, offset, provenSize }) => ({ path: shownPath(path), offset, size: provenSize })),
      shared: this.context.fileReaders.sharedBy(this),
      leftOut: this.obstacles.list(),
      leftOutCount: this.obstacles.count,
      waitingCount: this.obstacles.waiting,
    };
  }

  private async scanLoop(intake: Intake, signal: AbortSignal): Promise<void> {
    let pollDueMs = 0;
    while (!signal.aborted) {
      const nowMs = this.host.uptimeMs();
      if (nowMs >= pollDueMs) {
        pollDueMs = nowMs + this.config.pollInterval;
        this.folders.discover();
        for (const attention of this.folders.all()) attention.poll();
      } else if (this.folders.missing.wantsDiscovery) this.folders.discover();
      let waitMs = pollDueMs - nowMs;
      for (const attention of this.folders.all()) {
        if (attention.busy) attention.glance();
        if (attention.dirty && attention.notBeforeMs <= this.host.uptimeMs()) this.scan(attention);
        if (attention.busy) waitMs = Math.min(waitMs, this.readOnBeat(intake));
        if (attention.dirty) waitMs = Math.min(waitMs, attention.notBeforeMs - this.host.uptimeMs());
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
    const { intake, reader } = this;
    if (intake === undefined || reader === undefined || this.closed) return;
    for (const attention of this.folders.all()) {
      if (!attention.busy) continue;
      intake.beforeCommit(this.catchUp);
      attention.glance();
      if (attention.dirty) this.scanAlarm.ring();
      const { directory } = attention;
      for (const trail of [...directory.book.awake]) {
        const file = reader.next(directory, trail);
        if (file === undefined) continue;
        if (intake.takesNow()) reader.readChunk(directory, file);
        if (!file.atEnd) this.readAlarm.ring();
      }
    }
  };

  private async readLoop(reader: TrailReader, intake: Intake, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let read = false;
      let dueMs = Number.POSITIVE_INFINITY;
      for (const { directory } of this.folders.all()) {
        for (const trail of [...directory.book.awake]) {
          if (reader.next(directory, trail) === undefined) continue;
          await intake.ready(signal);
          if (signal.aborted) return;
          // The wait may have been long: what is to be read is asked again.
          const file = reader.next(directory, trail);
          if (file === undefined) continue;
          read = true;
          reader.readChunk(directory, file);
        }
        dueMs = Math.min(dueMs, reader.rest(directory));
      }
      if (!read) await this.readAlarm.wait(Math.min(timerMsMax, Math.max(1, dueMs - this.host.uptimeMs())));
    }
  }

  private scan(attention: Attention): void {
    const { directory } = attention;
    const look = this.obstacles.look(directory.path);
    const startMs = performance.now();
    attention.beginScan();
    // The watch comes first: what happens during the look is told by it.
    const isWatched = attention.begin();
    try {
      this.openFiles.beginLook();
      directory.scan(look.note);
      this.folders.followLinks(directory, look.note);
      this.folders.noteSeen(directory);
      if (directory.present && !isWatched) {
        this.context.report(signals.unwatched, { path: shownPath(directory.path) });
      }
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      // For want of a descriptor: soon again.
      if (isDescriptorShortage(thrown)) directory.book.unsettled = true;
      else this.folders.noteUnreadable(directory);
      look.note(directory.path, thrown);
    }
    look.end();
    attention.endScan(performance.now() - startMs);
    this.boundOpenFiles(attention);
  }

  /** Closes what is read and quiet; more when too many are open. */
  private boundOpenFiles(attention: Attention): void {
    const { book } = attention.directory;
    const quietSinceMs = this.host.uptimeMs() - this.config.idleClose;
    for (const file of book.files) {
      if (file.fd === undefined || !file.isIdle || file.grewMs > quietSinceMs) continue;
      file.close();
      // Without a name here it may be in another folder, which has not been looked at since: it is missed as closed ones are.
      if (file.isElsewhere) attention.dirty = true;
    }
    this.openFiles.boundAll();
  }

  private restore(intake: Intake): void {
    const { report } = this.context;
    const { matches, excluded } = this.host;
    const asked = (folder: string, name: string) => matches(folder, name) && !excluded(folder, name);
    const taken = takenOver(this.config.positionsFrom, intake, report);
    const stored = readStored(taken ?? intake.positions(), asked);
    for (const key of stored.unknown) report(signals.positionUnknown, { key });
    this.sequence = stored.nextSequence;
    for (const before of stored.unread) this.host.before.set(before.inode, before);
    for (const file of stored.named) {
      const { book } = this.folders.at(folderOf(file.path)).directory;
      if (file.link !== undefined) book.askFor(nameOf(file.trail), file.link);
      const known = folderOf(file.path) === book.path ? file : inFolder(file, book.path);
      known.grewMs = this.host.uptimeMs();
      if (this.held instanceof HeldFiles) this.held.giveTo(known);
      book.add(known);
      // What Flume knew is not stored yet, and the next start finds positions of our own.
      if (taken !== undefined) intake.moved(known);
    }
    // Of the others nothing is stored, or the config does not name them any more.
    this.held?.close();
    this.held = undefined;
    for (const file of stored.unnamed) {
      const folder = folderOf(file.path);
      const isLookedAt = this.patterns.some(({ pattern }) => pattern.coversDirectory(folder));
      if (isLookedAt) this.folders.at(folder).directory.unnamed.add(file);
    }
    this.unnamed = stored.unnamed.filter((file) => !file.isAside);
    if (this.unnamed.length > 0) report(signals.unnamed, describeUnnamed(this.unnamed));
    for (const entry of this.patterns) entry.lookedAt = stored.looked.has(entry.pattern.pattern);
  }

  /** Once all that was there is stored as known, whatever comes later is new. */
  private noteFirstLook(): void {
    const first = this.patterns.filter(({ lookedAt }) => !lookedAt);
    if (first.length === 0) return;
    for (const { directory, dirty } of this.folders.all()) if (dirty || directory.book.unsettled) return;
    this.folders.noteFirstLook();
    for (const entry of first) {
      entry.lookedAt = true;
      this.host.moved(new PatternMark(entry.pattern.pattern));
    }
  }

  private wakeSoon(): void {
    if (this.wakeTimer !== undefined || this.closed) return;
    const waitMs = this.lastWakeMs + wakeIntervalMs - this.host.uptimeMs();
    if (waitMs <= 0) this.scanAlarm.ring();
    else {
      this.wakeTimer = setTimeout(() => {
        this.wakeTimer = undefined;
        this.scanAlarm.ring();
      }, waitMs);
    }
  }

  private *files(): Iterable<FollowedFile> {
    for (const { directory } of this.folders.all()) yield* directory.book.files;
  }

  /** Looks no more. What it has open stays so until it is handed over or stopped. */
  private end(): void {
    this.closed = true;
    this.context.fileReaders.leave(this);
    clearTimeout(this.wakeTimer);
    this.wakeTimer = undefined;
    for (const attention of this.folders.all()) attention.end();
  }

  private makeReader(intake: Intake): TrailReader {
    const { config, host, obstacles } = this;
    return new TrailReader({
      config,
      host,
      obstacles,
      report: this.context.report,
      output: new LineIntake(intake, { ...config, wrapped: config.format !== "lines" }),
      wakeScan: (directory) => {
        this.folders.at(directory.path).dirty = true;
        this.scanAlarm.ring();
      },
    });
  }

  private makeHost(): DirectoryHost {
    const { config, context } = this;
    const excluded = excluder(config.exclude);
    const asking = (directory: string, name: string) =>
      this.patterns.filter(({ pattern }) => this.pathsOf(directory).some((path) => pattern.matches(path, name)));
    return {
      report: countingReport(signals, {
        report: context.report,
        metrics: context.metrics,
        labels: { source: context.name },
        book: (name, amount) => this.intake?.count(name, amount),
      }),
      start: config.start,
      ignoreOlderThanMs: config.ignoreOlderThan,
      matches: (directory, name) => asking(directory, name).length > 0,
      excluded: (directory, name) => this.pathsOf(directory).some((path) => excluded(path, name)),
      isFirstLook: (directory, name) =>
        asking(directory, name).every(({ lookedAt }) => !lookedAt) || this.folders.isFirstSight(directory),
      literalNames: (directory) =>
        this.patterns.flatMap(({ pattern }) => this.pathsOf(directory).flatMap((path) => pattern.literalNames(path))),
      isNamed: (directory, name) => config.paths.includes(childOf(directory, name)),
      mayBeElsewhere: (book, file) => this.folders.missing.mayBeElsewhere(book, file),
      isOutOfReach: (file) => this.folders.isOutOfReach(file),
      open: (path) => this.openFiles.open(path, this.access.rules),
      index: new FileIndex({
        took: (id, path) => context.fileReaders.took(this, id, path),
        letGo: (id) => context.fileReaders.letGo(this, id),
      }),
      openCount,
      boundOpen: (file) => this.openFiles.bound(file),
      before: new Map(),
      nextSequence: () => this.sequence++,
      uptimeMs: () => context.clock.uptimeMs(),
      wallMs: () => context.clock.now(),
      moved: (what) => this.intake?.moved(what),
    };
  }

  private pathsOf(directory: string): readonly string[] {
    const paths = this.folders.pathsOf(directory);
    return paths.length === 0 ? [directory] : paths;
  }
}

/** A timer cannot wait longer. */
const timerMsMax = 2 ** 31 - 1;
