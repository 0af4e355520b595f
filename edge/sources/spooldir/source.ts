/**
 * The spooldir source (Flume's org.apache.flume.source.SpoolDirectorySource): complete files, each read once.
 *
 * A file goes through three steps, each durable before the next begins: its lines with the offset behind them; the word
 * that it is done; then what is to be done with it. A crash in between repeats the last step and nothing else: a file
 * that is stored as done is put away without being read.
 *
 * A file is known by inode, size and time. When these change while it is read, or a name comes again in a directory
 * whose files are renamed or remembered, nobody can say which lines are whose: that file alone is an error, is put
 * aside, and the others go on.
 *
 * Of a file that is compressed the lines in it are read, and its offsets are those of what is in it (content.ts).
 *
 * A file is one file whatever leads to it: of several names (hard links, links) the first is read, the others are left
 * out with a word, and what is done is done with each of them. What cannot be looked at (a folder without the right to
 * read it) is not gone: it stays known, and nothing of it is read again once it can be seen. So does what lies in a folder
 * in whose place another one stands (known-files.ts).
 */

import { closeSync, fstatSync, renameSync, rmSync } from "node:fs";
import { sleep } from "../../../shared/async/sleep.ts";
import { DamagedContent } from "../../../shared/compression/plain-bytes.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { openRegular } from "../../../shared/files/open-regular.ts";
import { childOf, shownPath, systemPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import { LineSplitter, type Splitter } from "../../../shared/lines/split-lines.ts";
import { bookedReport } from "../../../shared/telemetry/counting-report.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { SourceContext } from "../../core/context.ts";
import { type FileAccess, fileAccess } from "../../core/file-fields.ts";
import { limits } from "../../core/limits.ts";
import { LineIntake } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import { Afterlook } from "./afterlook.ts";
import { BlobSplitter } from "./blob-splitter.ts";
import { type Candidate, Candidates } from "./candidates.ts";
import { codes } from "./codes.ts";
import type { Config } from "./config.ts";
import { type Content, contentOf, type OpenFile } from "./content.ts";
import { KnownFiles } from "./known-files.ts";
import { LeftOut } from "./left-out.ts";
import { ListedFiles } from "./listed-files.ts";
import { isTaken, statOf } from "./names.ts";
import { restoredFiles } from "./restored.ts";
import { areTwoFiles, identityOf, isUnchanged, type SpoolFacts, SpoolFile, sameIdentity } from "./spool-file.ts";
import { signals } from "./telemetry.ts";

/** Files that are read to their end share one wait for durability, up to this many. */
const finishedMax = 64;
/** The status page names this many of the files that were put aside. */
const errorsShownMax = 100;

export class SpoolDirectorySource implements Source {
  private readonly known: KnownFiles;
  private readonly candidates: Candidates;
  private readonly access: FileAccess;
  private readonly after = new Afterlook((...late) => this.noteLate(...late));
  private readonly splitter: Splitter;
  private intake: Intake | undefined;
  private readonly leftOut: LeftOut;
  private readonly buffer = Buffer.allocUnsafeSlow(limits.readBytes + 1);
  private readonly errors: { readonly file: string; readonly reason: string }[] = [];
  private readonly listed: ListedFiles;
  private finished: SpoolFile[] = [];
  private current: SpoolFile | undefined;
  private filesDone = 0;
  private readonly report: Report;

  constructor(
    private readonly config: Config,
    private readonly context: SourceContext,
  ) {
    this.access = fileAccess(config, context);
    this.report = bookedReport(context.report, (name, amount) => this.intake?.count(name, amount));
    this.leftOut = new LeftOut(this.report);
    this.leftOut.observe(context.metrics, context.name);
    this.known = new KnownFiles(this.report);
    this.candidates = new Candidates(
      config,
      this.access,
      (key, thrown) => this.leftOut.note(key, messageOf(thrown)),
      (key) => this.known.has(key),
    );
    const { deserializer, blobBytesMax } = config;
    this.splitter = deserializer === "blob" ? new BlobSplitter(blobBytesMax) : new LineSplitter(config);
    this.listed = new ListedFiles(config.path, context);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.listed.leave();
  }

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    if (this.intake !== undefined) throw new AppError("INVARIANT", "run a spooldir source a second time");
    this.intake = intake;
    const restored = restoredFiles(intake, this.config, this.report);
    this.known.restore(restored, intake);
    for (const file of restored) {
      if (file.state === "error") this.errors.push({ file: file.name, reason: file.reason ?? "" });
    }
    const output = new LineIntake(intake, this.config);
    try {
      while (!signal.aborted) await this.turn(intake, output, signal);
    } finally {
      this.after.close();
    }
  }

  /** One look at the directory, and all files that are due. */
  private async turn(intake: Intake, output: LineIntake, signal: AbortSignal): Promise<void> {
    for (const candidate of this.look(intake)) {
      if (signal.aborted) return;
      await this.readFile(candidate, intake, output, signal);
      if (this.finished.length >= finishedMax) await this.finish(intake, signal);
    }
    await this.finish(intake, signal);
    await sleep(this.config.pollInterval, signal);
  }

  status(): Readonly<Record<string, unknown>> {
    const { current } = this;
    return {
      filesDone: this.filesDone,
      ...(current === undefined
        ? {}
        : { current: { file: current.key, offset: current.offset, size: current.identity.size } }),
      errors: this.errors,
      shared: this.listed.shared,
      elsewhere: this.known.status,
      ...this.leftOut.status,
    };
  }

  private noteLate(file: SpoolFile, bytes: number, allBytes: number): void {
    this.report(signals.writtenLate, { file: shownPath(file.key), bytes, allBytes });
    const reason = `it was written after it was done: at least ${allBytes} bytes are not read`;
    this.errors.push({ file: file.key, reason });
    if (this.errors.length > errorsShownMax) this.errors.shift();
  }

  /** One that was read in an earlier run is put away only now: what comes in between is noticed as well. */
  private watch(candidate: Candidate, file: SpoolFile): void {
    if (this.after.has(file)) return;
    try {
      this.after.add(openRegular(candidate.real, this.access.rules), file, this.context.clock.uptimeMs());
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      this.leftOut.note(candidate.key, messageOf(thrown));
    }
  }

  /** What is to be read now. Files that are known get their due on the way. */
  private look(intake: Intake): readonly Candidate[] {
    this.after.look(this.context.clock.uptimeMs());
    this.leftOut.look();
    let all: readonly Candidate[];
    try {
      all = this.candidates.list();
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      this.leftOut.note(".", messageOf(thrown));
      return [];
    }
    this.listed.note(all);
    const present = new Set(all.map(({ key }) => key));
    const byInode = new Map(all.map((candidate) => [candidate.inode, candidate]));
    this.known.look(this.candidates.folders);
    for (const file of this.known.inPlace()) {
      if (present.has(file.key)) file.missed = false;
      else this.noteGone(file, byInode.get(file.identity.inode));
    }
    this.known.endLook(present);
    const settled = this.candidates.settled(all, this.config.settle, this.context.clock.uptimeMs());
    return settled.filter((candidate) => this.isToRead(candidate, intake));
  }

  private isToRead(candidate: Candidate, intake: Intake): boolean {
    const known = this.known.match(candidate);
    if (known === undefined) {
      const completed = childOf(this.config.path, candidate.key) + this.config.completedSuffix;
      if (this.config.done !== "rename" || !isTaken(completed)) return true;
      this.fail(fileOf(candidate), "a file of this name was done before", intake);
      return false;
    }
    if (known.state === "error") {
      // Known by what it is now: it may lose this name and have another.
      if (sameIdentity(known.identity, candidate)) return false;
      known.becomeError(known.reason ?? "", candidate);
      intake.moved(known);
      return false;
    }
    if (this.isSuccessor(candidate, known)) {
      this.known.forget(known);
      return true;
    }
    if (!sameIdentity(known.identity, candidate)) {
      const when = known.state === "done" ? "after it was done" : "while it was read";
      this.fail(known, `it was changed or replaced ${when}`, intake, candidate);
      return false;
    }
    if (known.state === "done") {
      if (this.config.done === "tracker" || this.finished.includes(known)) return false;
      this.watch(candidate, known);
      this.finished.push(known);
      return false;
    }
    return true;
  }

  /**
   * Where files are deleted, names come again: another file under the name of one that is done is the next one. We may
   * have deleted the first and been killed before that was stored.
   */
  private isSuccessor(found: SpoolFacts, known: SpoolFile): boolean {
    return this.config.done === "delete" && known.state === "done" && areTwoFiles(found, known.identity);
  }

  /** A file that is known is not there any more under its name. */
  private noteGone(file: SpoolFile, sameInode: Candidate | undefined): void {
    const renamed = sameInode !== undefined && sameIdentity(sameInode, file.identity) ? sameInode : undefined;
    if (renamed !== undefined && !this.known.has(renamed.key)) {
      // The same file under another name: what is known of it moves along.
      this.known.rename(file, renamed.key, renamed.folder);
      return;
    }
    // Another folder stands in the place of its own.
    if (this.known.isElsewhere(file) !== undefined) return;
    if (this.leftOut.hides(file.key) || (file.severalNames && this.candidates.isPartial)) {
      // It, or its other name, may be where nobody can look now.
      return;
    } else if (!file.missed) {
      // A list of names is not of one moment: renamed meanwhile, it may be in it under neither name.
      file.missed = true;
      return;
    } else if (file.state === "reading" && !isTaken(childOf(this.config.path, file.key) + this.config.errorSuffix)) {
      this.report(signals.fileVanished, { file: file.key, from: file.offset, bytes: file.unreadBytes });
    }
    this.known.forget(file);
  }

  /** Appends the whole file, chunk by chunk. */
  private async readFile(candidate: Candidate, intake: Intake, output: LineIntake, signal: AbortSignal): Promise<void> {
    const path = childOf(this.config.path, candidate.key);
    const file = this.known.match(candidate) ?? fileOf(candidate);
    let fd: number | undefined;
    let content: Content | undefined;
    try {
      fd = openRegular(candidate.real, this.access.rules);
      content = contentOf(fd, file, this.config, this.buffer);
      this.known.set(file);
      this.current = file;
      output.path = path;
      this.report(signals.fileStarted, { file: file.key, offset: file.offset });
      while (file.state === "reading") {
        await content.fill(file.offset, signal);
        await intake.ready(signal);
        if (signal.aborted) return;
        if (this.readPiece({ fd, content, file, path }, output)) intake.moved(file);
        else this.failReading(fd, file, intake);
      }
    } catch (thrown) {
      if (thrown instanceof DamagedContent && fd !== undefined) {
        if (isUnchanged(fd, file, path)) this.fail(file, thrown, intake);
        else this.failReading(fd, file, intake);
      } else if (isFileTrouble(thrown)) {
        if (file.offset === 0) this.known.drop(file);
        this.leftOut.note(candidate.key, messageOf(thrown));
      } else throw thrown;
    } finally {
      content?.close();
      if (fd !== undefined && file.state === "done") this.after.add(fd, file, this.context.clock.uptimeMs());
      else if (fd !== undefined) closeSync(fd);
      this.current = undefined;
    }
  }

  /** Appends the next lines; false, and nothing is done, when the file changed meanwhile. */
  private readPiece({ fd, content, file, path }: OpenFile, output: LineIntake): boolean {
    const { splitter } = this;
    if (!isUnchanged(fd, file, path)) return false;
    const piece = content.piece(file.offset);
    // Its writer may have been at work during the read: then these bytes are nobody's.
    if (piece === undefined || !isUnchanged(fd, file, path)) return false;
    splitter.skipping = file.skipping;
    file.offset += splitter.split(piece.buffer, 0, piece.bytes, output, piece.isLast ? "final" : "keep");
    file.skipping = splitter.skipping;
    if (piece.atEnd) {
      file.state = "done";
      // Durable with the word that it is done: killed right after the rename, we would take its other name for another file.
      file.severalNames = fstatSync(fd, { bigint: true }).nlink > 1n;
      this.finished.push(file);
    }
    return true;
  }

  /** Whether it has other names (also got in the last moment: count when it is renamed). Then it stays known under them. */
  private keepForOtherNames(file: SpoolFile, links: bigint, intake: Intake): boolean {
    file.severalNames = links > 1n || this.candidates.hadSeveralNames(file.identity.inode);
    if (file.severalNames) intake.moved(file);
    return file.severalNames;
  }

  private failReading(fd: number, file: SpoolFile, intake: Intake): void {
    const now = identityOf(fstatSync(fd, { bigint: true }));
    this.fail(file, "it was changed or replaced while it was read", intake, now);
  }

  /** Once the word that files are done is durable: does with them what is to be done. */
  private async finish(intake: Intake, signal: AbortSignal): Promise<void> {
    if (this.finished.length === 0 || signal.aborted) return;
    await intake.committed(signal);
    if (signal.aborted) return;
    const finished = this.finished;
    this.finished = [];
    for (const file of finished) {
      try {
        this.putAway(file, intake);
        this.filesDone++;
        this.report(signals.fileDone, { file: file.key, bytes: file.identity.size });
      } catch (thrown) {
        if (!isFileTrouble(thrown)) throw thrown;
        // It stays known as done, so it is not read again; the next look tries once more to put it away.
        this.leftOut.note(file.key, `it was read, and cannot be put away: ${messageOf(thrown)}`);
      }
    }
  }

  private putAway(file: SpoolFile, intake: Intake): void {
    const { done, completedSuffix } = this.config;
    if (done === "tracker") return;
    const path = childOf(this.config.path, file.key);
    const stat = statOf(path);
    // Somebody took the name away. It may have another: the next look finds it there, done, or forgets it.
    if (stat === undefined) return;
    if (!this.isSuccessor(identityOf(stat), file)) {
      if (!sameIdentity(identityOf(stat), file.identity)) {
        this.fail(file, "it was changed or replaced after it was done", intake, identityOf(stat));
        return;
      }
      let links = stat.nlink;
      if (done === "delete") rmSync(systemPath(path));
      else if (isTaken(path + completedSuffix)) {
        this.fail(file, "a file of this name was done before", intake);
        return;
      } else {
        renameSync(systemPath(path), systemPath(path + completedSuffix));
        links = statOf(path + completedSuffix)?.nlink ?? links;
      }
      // Under its other names it is still to be known as done: the next look puts these away as well.
      if (this.keepForOtherNames(file, links, intake)) return;
    }
    this.known.forget(file);
  }

  /** An error for this file alone. Of a damaged one, what stands before the damage was read up to the last whole line. */
  private fail(file: SpoolFile, why: string | DamagedContent, intake: Intake, now: SpoolFacts = file.identity): void {
    const { done, errorSuffix } = this.config;
    const path = childOf(this.config.path, file.key);
    const isDamaged = typeof why !== "string";
    const reason = messageOf(why);
    const code = isDamaged ? codes.EDGE_SPOOL_FILE_DAMAGED : codes.EDGE_SPOOL_FILE_CHANGED;
    const error = new AppError(code, `read spool file "${path}" at ${file.offset}: ${reason}`);
    const signal = isDamaged ? signals.fileDamaged : signals.fileChanged;
    this.report(signal, { code: error.code, error: error.message, hint: error.hint });
    this.errors.push({ file: file.key, reason });
    if (this.errors.length > errorsShownMax) this.errors.shift();
    file.becomeError(reason, now);
    this.known.set(file);
    if (done !== "tracker" && !isTaken(path + errorSuffix)) {
      try {
        renameSync(systemPath(path), systemPath(path + errorSuffix));
        // Under its other names it is an error as well.
        if (!this.keepForOtherNames(file, statOf(path + errorSuffix)?.nlink ?? 1n, intake)) this.known.forget(file);
        return;
      } catch (thrown) {
        if (!isFileTrouble(thrown)) throw thrown;
        this.leftOut.note(file.key, `it cannot be renamed: ${messageOf(thrown)}`);
      }
    }
    // Left where it is, and remembered: it is not read again under this name until it is gone.
    intake.moved(file);
  }
}

function fileOf(candidate: Candidate): SpoolFile {
  return new SpoolFile(candidate.key, candidate, candidate.folder);
}
