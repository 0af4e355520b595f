import Database from "better-sqlite3";
import { AppError } from "../../../shared/errors/app-error.ts";

/** Result codes that are about what was to be stored, not about the store (sqlite.org/rescode.html). */
const dataErrors = ["SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE"];

/**
 * What a failure means to the writer: the store is away (locked, full, gone, damaged: wait, probe, go on), or a record
 * can never be stored (find it, put it aside, go on). Our own errors pass as they are.
 */
export function storeFailure(doing: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof Database.SqliteError) {
    const { code, message } = thrown;
    const poison = dataErrors.some((prefix) => code.startsWith(prefix));
    return new AppError(
      poison ? "CENTRAL_RECORD_POISON" : "CENTRAL_STORE_UNAVAILABLE",
      `${doing}: ${message} (${code})`,
      { cause: thrown },
    );
  }
  if (thrown instanceof TypeError && thrown.message.includes("database connection is not open")) {
    return new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: the database is closed`, { cause: thrown });
  }
  return new AppError("CENTRAL_RECORD_POISON", doing, { cause: thrown });
}
