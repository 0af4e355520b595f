/**
 * Somebody else's SQLite file, opened for one look and closed again: between two looks nothing is held. DESIGN.md says why
 * a reader that only reads may still create files beside the database, and how that is kept from happening.
 */
import { constants, Database } from "bun:sqlite";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { sep } from "node:path";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { realOf } from "../../../shared/files/real-path.ts";
import { codes, unfit } from "./codes.ts";

/** While a writer has it locked. */
const againMs = 20;
const magic = "SQLite format 3\u0000";
const walVersion = 2;
/** Where in the header its journal's kind stands. */
const versionAt = 18;
const headerBytes = 20;

/** How a file has to be opened now. */
interface Way {
  readonly isLive: boolean;
  /** Of the file as it was looked at. */
  readonly state: string;
}

/** The file changed while it was read without locks. */
class Changed extends Error {}

export class SqliteFile {
  constructor(
    private readonly path: string,
    private readonly options: { readonly timeoutMs: number; readonly dataDir: string; readonly signal: AbortSignal },
  ) {}

  /** Tries again while a writer is in the way. @throws AppError. */
  async look<T>(doing: string, work: (database: Database) => T): Promise<T> {
    const { timeoutMs, signal } = this.options;
    const sinceMs = performance.now();
    for (;;) {
      try {
        return this.once(work);
      } catch (thrown) {
        if (!isInTheWay(thrown) || signal.aborted) throw failure(doing, thrown);
        if (performance.now() - sinceMs > timeoutMs) {
          throw new AppError(codes.EDGE_DATABASE_AWAY, `${doing}: a writer has had it locked for ${timeoutMs} ms`);
        }
      }
      await sleep(againMs, signal);
    }
  }

  private once<T>(work: (database: Database) => T): T {
    const way = this.way();
    const database = new Database(
      `file:${encodeURIComponent(this.path)}?${way.isLive ? "mode=ro" : "immutable=1"}`,
      constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
    );
    try {
      const found = work(database);
      this.verify(way);
      return found;
    } catch (thrown) {
      if (!(thrown instanceof AppError)) this.verify(way);
      throw thrown;
    } finally {
      database.close(true);
    }
  }

  /** What was read without a lock counts only when nobody has written meanwhile. */
  private verify(way: Way): void {
    if (!way.isLive && this.way().state !== way.state) throw new Changed("it was written to meanwhile");
  }

  private way(): Way {
    const { path } = this;
    const own = realOf(this.options.dataDir);
    if (realOf(path).startsWith(`${own}${sep}`)) {
      throw unfit(`url: ${path} is in the agent's own data folder`);
    }
    const file = statSync(path, { bigint: true });
    if (!file.isFile()) throw unfit(`url: ${path} is no file`);
    const header = headerOf(path);
    if (header.length > 0 && header.toString("latin1", 0, magic.length) !== magic) {
      throw unfit(`url: ${path} is no SQLite database`);
    }
    const [wal, shm] = [sizeOf(`${path}-wal`), sizeOf(`${path}-shm`)];
    const state = [file.ino, file.size, file.mtimeNs, file.ctimeNs, wal].join("/");
    if (header[versionAt] !== walVersion) return { isLive: true, state };
    if (wal === undefined) return { isLive: false, state };
    if (shm !== undefined) return { isLive: true, state };
    throw new AppError(
      codes.EDGE_DATABASE_AWAY,
      `read ${path}: its writer was cut off and has left ${path}-wal; it is read when its own program has opened it again`,
    );
  }
}

function headerOf(path: string): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const header = Buffer.alloc(headerBytes);
    return header.subarray(0, readSync(descriptor, header, 0, headerBytes, 0));
  } finally {
    closeSync(descriptor);
  }
}

function sizeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.size;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}

function isInTheWay(thrown: unknown): boolean {
  return thrown instanceof Changed || /^SQLITE_(?:BUSY|LOCKED|PROTOCOL|READONLY)/.test(codeOf(thrown));
}

function failure(doing: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = codeOf(thrown);
  const words = `${doing}: ${messageOf(thrown)}`;
  if (/^SQLITE_ERROR/.test(code)) return unfit(words);
  if (/^(?:EACCES|EPERM|SQLITE_(?:PERM|AUTH))/.test(code)) return new AppError(codes.EDGE_DATABASE_REFUSED, words);
  return new AppError(codes.EDGE_DATABASE_AWAY, words, { cause: thrown });
}
