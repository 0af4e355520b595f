/**
 * One central writes a lake, the others wait. A SQLite transaction is the lock: the kernel gives it back with the process, however
 * that ended, and nothing is left that somebody would have to remove.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

/** Ours until it is disposed. */
export class LakeLock implements Disposable {
  private constructor(private readonly database: Database.Database) {}

  /** Undefined: somebody else has it. @throws the system's error, or SQLite's. */
  static take(folder: string): LakeLock | undefined {
    mkdirSync(folder, { recursive: true });
    const database = new Database(join(folder, "writer.lock"), { timeout: 0 });
    try {
      database.exec("begin exclusive");
      return new LakeLock(database);
    } catch (thrown) {
      database.close();
      if (thrown instanceof Database.SqliteError && thrown.code.startsWith("SQLITE_BUSY")) return undefined;
      throw thrown;
    }
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}
