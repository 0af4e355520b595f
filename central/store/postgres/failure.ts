import { SQL } from "bun";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";

/**
 * Classes and codes of SQLSTATE that are about what was to be stored, not about the store (PostgreSQL's manual,
 * appendix A): data exceptions (22), violated constraints (23), limits of the program such as an index row's size (54).
 */
const dataErrors = ["22", "23", "54"];

/** Another writer was in between, or a deadlock was cut: the same transaction may work at once. */
const conflicts = ["40001", "40P01"];

/** SQLSTATE of a failure that the server told; undefined for a connection that was refused, broke, or was never made. */
export function sqlState(thrown: unknown): string | undefined {
  return thrown instanceof SQL.PostgresError ? thrown.errno : undefined;
}

/** `lock_timeout`: somebody else holds what is needed. */
export function isLockTimeout(thrown: unknown): boolean {
  return sqlState(thrown) === "55P03";
}

/** Worth an immediate second try. */
export function isConflict(thrown: unknown): boolean {
  return thrown instanceof Raced || conflicts.includes(sqlState(thrown) ?? "");
}

/** A row that was to be new, or unchanged, is not: another writer has been there between load and apply. */
export class Raced extends Error {
  constructor(what: string) {
    super(`another writer was faster: ${what}`);
    this.name = "Raced";
  }
}

/**
 * What a failure means to the writer: the store is away (refused, restarting, full, out of connections, read-only, locked:
 * wait, probe, go on), or a record can never be stored (find it, put it aside, go on). Our own errors pass as they are.
 */
export function storeFailure(doing: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const cause = { cause: thrown };
  if (thrown instanceof SQL.PostgresError) {
    const state = sqlState(thrown);
    const poison = state !== undefined && dataErrors.some((begin) => state.startsWith(begin));
    const code = poison ? "CENTRAL_RECORD_POISON" : "CENTRAL_STORE_UNAVAILABLE";
    return new AppError(code, `${doing}: ${thrown.message} (${state ?? thrown.code})`, cause);
  }
  if (thrown instanceof Raced) return new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: ${thrown.message}`, cause);
  return new AppError("CENTRAL_RECORD_POISON", `${doing}: ${messageOf(thrown)}`, cause);
}
