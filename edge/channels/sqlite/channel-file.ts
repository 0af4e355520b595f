/**
 * The open file and its transactions.
 *
 * A transaction that fails before COMMIT has not happened. When COMMIT itself fails with an I/O error, nobody knows: the
 * frames may be in the write-ahead log, to be found at the next start. So the file is closed, opened again, and the
 * commit number that every transaction writes is looked at: it says definitively. What was found to be stored is copied
 * out of the log and synced before it is called durable. While the file cannot even be opened, nothing is answered:
 * every call fails until it can.
 */

import { existsSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError, endsProcess } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import { systemCode } from "../../../shared/files/refusal.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { codes } from "./codes.ts";
import { openForWriting, Statements, type StateRow } from "./connection.ts";
import { Draft } from "./draft.ts";
import type { DatabaseConnection } from "./driver.ts";
import { sqliteCode } from "./driver.ts";
import { Places } from "./places.ts";
import type { Slots } from "./slots.ts";
import { State } from "./state.ts";
import { signals } from "./telemetry.ts";

/** What a draft is made with, beside the file. */
export interface DraftSurroundings {
  readonly slots: Slots;
  readonly livedMs: () => number;
}

/** What the file is told of the world around it, and whom it tells. */
export interface FileSurroundings {
  readonly clock: Clock;
  readonly report: Report;
  /** The file is damaged. */
  readonly onDamage?: ((error: AppError) => void) | undefined;
}

/** A commit of which nobody knows yet whether it is stored. */
interface OpenQuestion {
  readonly draft: Draft;
  readonly commit: number;
  readonly work: object;
}

const settleEveryMs = 1_000;

export class ChannelFile {
  readonly state: State;
  /** Work that its caller was told had failed, and that turned out to be stored. */
  private readonly storedAfterAll = new WeakSet<object>();
  private db: DatabaseConnection;
  private ready: Statements;
  private commits: number;
  private question: OpenQuestion | undefined;
  private settleTriedMs = Number.NEGATIVE_INFINITY;
  private late: (() => void)[] = [];
  private synced = true;
  private places: Places;

  constructor(
    readonly path: string,
    db: DatabaseConnection,
    private readonly surroundings: FileSurroundings,
  ) {
    this.db = db;
    this.ready = new Statements(db);
    this.state = new State(db.prepare<[], StateRow>("SELECT id, what, stream, name, value FROM state").all());
    this.commits = Number(this.state.get("file", "", "commit") ?? 0);
    this.places = placesOf(path);
  }

  /** See `ChannelStore.misplaced`. */
  misplaced(): string | undefined {
    return this.places.missing();
  }

  /** @throws AppError `EDGE_CHANNEL_IO` while an open question cannot be settled. */
  get statements(): Statements {
    this.settle();
    return this.ready;
  }

  /** What SQLite says of the file. @throws as `read`. */
  pragma(name: string): number {
    this.settle();
    try {
      return Number(this.db.pragma(name, { simple: true }));
    } catch (error) {
      throw this.translate("read", error);
    }
  }

  /** Whether this work, once told to have failed, is stored: asked once. */
  takeStored(work: object): boolean {
    this.settle();
    return this.storedAfterAll.delete(work);
  }

  /** Changes memory now, or, while a commit is in question, after it is settled. */
  whenSettled(change: () => void): void {
    if (this.question === undefined) change();
    else this.late.push(change);
  }

  /**
   * One transaction. `durable`: on the disk when it returns; else with the next one that is.
   *
   * @throws AppError `EDGE_CHANNEL_FULL`, `EDGE_CHANNEL_IO`: nothing happened. `EDGE_CHANNEL_DAMAGED`: start again.
   */
  run(durable: boolean, work: object, around: DraftSurroundings, build: (draft: Draft) => void): void {
    const statements = this.statements;
    const livedMs = around.livedMs();
    const draft = new Draft(statements, this.state, around.slots, livedMs);
    const commit = this.commits + 1;
    try {
      this.setSynchronous(durable);
      statements.begin.run();
      build(draft);
      draft.changes.set("file", "", "commit", commit);
      draft.changes.set("file", "", "lived_ms", livedMs);
      draft.flush();
    } catch (error) {
      this.rollback();
      draft.discard();
      throw this.translate("write to", error);
    }
    try {
      statements.commit.run();
    } catch (error) {
      const code = sqliteCode(error);
      if (code === "SQLITE_FULL" || code?.startsWith("SQLITE_BUSY") || isDamage(code)) {
        this.rollback();
        draft.discard();
        throw this.translate("commit to", error);
      }
      this.surroundings.report(signals.commitUnknown, { error: String(error) });
      this.question = { draft, commit, work };
      this.settleTriedMs = Number.NEGATIVE_INFINITY;
      this.settle(error);
      if (this.storedAfterAll.delete(work)) return;
      throw this.translate("commit to", error);
    }
    this.commits = commit;
    draft.apply();
  }

  /** Reads outside a transaction. @throws AppError `EDGE_CHANNEL_IO`, `EDGE_CHANNEL_DAMAGED`. */
  read<T>(query: (statements: Statements) => T): T {
    const { statements } = this;
    try {
      return query(statements);
    } catch (error) {
      throw this.translate("read", error);
    }
  }

  /** The error as the callers know it. Damage leaves a note, so that the next start rebuilds the file. */
  translate(doing: string, error: unknown): unknown {
    const code = sqliteCode(error);
    if (code === undefined) return error;
    if (isDamage(code)) {
      const damage = new AppError(codes.EDGE_CHANNEL_DAMAGED, `${doing} channel file ${this.path}: ${code}`, {
        cause: error,
      });
      try {
        writeFileSync(damageNote(this.path), `${code}\n`);
      } catch (thrown) {
        // On a disk that takes nothing: then the next start finds the damage where this one did.
        if (systemCode(thrown) === undefined) throw thrown;
      }
      this.surroundings.onDamage?.(damage);
      return damage;
    }
    if (code.startsWith("SQLITE_CONSTRAINT")) {
      return new AppError("INVARIANT", `${doing} channel file ${this.path}: ${code}`, { cause: error });
    }
    if (code.startsWith("SQLITE_BUSY")) {
      return new AppError(codes.EDGE_CHANNEL_BUSY, `${doing} channel file ${this.path}: ${code}`, { cause: error });
    }
    const full = code === "SQLITE_FULL";
    const what = `${doing} channel file ${this.path}: ${full ? "disk full" : code}`;
    return new AppError(full ? "EDGE_CHANNEL_FULL" : "EDGE_CHANNEL_IO", what, { cause: error });
  }

  /** Bytes of the write-ahead log on the disk. */
  walBytes(): number {
    const path = `${this.path}-wal`;
    return existsSync(path) ? statSync(path).size : 0;
  }

  /**
   * Writes the file anew, without its free pages. Slots that hold little may share a page afterwards; the first larger
   * batch that overwrites one gives it its own again.
   */
  compact(): void {
    this.settle();
    try {
      this.setSynchronous(true);
      this.db.exec("VACUUM");
    } catch (error) {
      throw this.translate("make small", error);
    }
    this.checkpoint("TRUNCATE");
  }

  /** Closes for good; what is in the log is copied into the file. */
  close(): void {
    try {
      this.db.close();
    } catch (error) {
      throw this.translate("close", error);
    }
  }

  private settle(cause?: unknown): void {
    const { question } = this;
    if (question === undefined) return;
    const nowMs = this.surroundings.clock.uptimeMs();
    if (nowMs - this.settleTriedMs < settleEveryMs) throw this.unsettled(cause);
    this.settleTriedMs = nowMs;
    let found: number;
    try {
      this.db.close();
      // Made anew, it would know of no commit.
      if (!existsSync(this.path)) throw new Error(`${this.path} was moved or removed`);
      this.db = openForWriting(this.path);
      this.places = placesOf(this.path);
      this.ready = new Statements(this.db);
      this.synced = true;
      const row = this.db.prepare("SELECT value FROM state WHERE what = 'file' AND name = 'commit'").pluck();
      found = Number(row.get() ?? 0);
      // Found in the log is not yet on the disk: the failed fsync may have thrown pages away. Copying them makes new ones.
      if (found === question.commit) this.checkpoint("TRUNCATE");
    } catch (error) {
      if (isDamage(sqliteCode(error))) throw this.translate("open again", error);
      throw endsProcess(error) ? error : this.unsettled(error);
    }
    invariant(
      found === question.commit || found === this.commits,
      `commit ${found} is in the file, expected ${question.commit}`,
    );
    this.question = undefined;
    if (found === question.commit) {
      this.commits = found;
      question.draft.apply();
      this.storedAfterAll.add(question.work);
    } else question.draft.discard();
    const late = this.late;
    this.late = [];
    for (const change of late) change();
  }

  private unsettled(cause: unknown): AppError {
    const what = `open channel file ${this.path} again: whether the last commit is stored is not known yet`;
    return new AppError("EDGE_CHANNEL_IO", what, { cause });
  }

  /** Copies the log into the file. False: a reader or a full disk kept it from being complete. */
  checkpoint(mode: "PASSIVE" | "TRUNCATE"): boolean {
    try {
      const [result] = this.db.prepare<[], Checkpoint>(`PRAGMA wal_checkpoint(${mode})`).all();
      return result !== undefined && result.busy === 0 && result.log === result.checkpointed;
    } catch (error) {
      if (sqliteCode(error) === "SQLITE_FULL") return false;
      throw this.translate("copy the log into", error);
    }
  }

  private setSynchronous(durable: boolean): void {
    if (durable === this.synced) return;
    this.db.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
    this.synced = durable;
  }

  private rollback(): void {
    try {
      if (this.db.open && this.db.inTransaction) this.ready.rollback.run();
    } catch (error) {
      throw this.translate("roll back in", error);
    }
  }
}

interface Checkpoint {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/** With its log, which holds what was committed since the last checkpoint; and with the lock, which keeps others away. */
function placesOf(path: string): Places {
  const name = basename(path);
  return new Places(dirname(path), [name, `${name}-wal`, name.replace(/db$/, "lock")]);
}

/** Beside the file: it was found damaged while it ran; the next start rebuilds it. */
export function damageNote(path: string): string {
  return `${path}.damaged`;
}

/** Whether SQLite says that the file itself is broken. */
export function isDamage(code: string | undefined): boolean {
  return code !== undefined && (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB");
}
