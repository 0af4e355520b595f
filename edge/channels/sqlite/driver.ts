/**
 * better-sqlite3 with the addon of this platform.
 *
 * Run from source, the platform is looked up. A compiled binary must embed exactly one addon and find no package beside
 * it, so the build names it: `define: { "process.env.TAILGATE_ADDON": '"linux-arm64"' }` folds the choice to one branch
 * and the bundler leaves the others, with their addons, out.
 */
import type Database from "better-sqlite3";
import { runsOnMusl } from "../../../shared/system/libc.ts";

declare const require: {
  (name: "better-sqlite3/linux-x64"): typeof Database;
  (name: "better-sqlite3/linux-arm64"): typeof Database;
  (name: "better-sqlite3/linuxmusl-x64"): typeof Database;
  (name: "better-sqlite3/linuxmusl-arm64"): typeof Database;
};

const addon: string = process.env.TAILGATE_ADDON ?? platformAddon();

/** The SQLite driver: `new Sqlite(path)`. */
export const Sqlite: typeof Database =
  addon === "linux-x64"
    ? require("better-sqlite3/linux-x64")
    : addon === "linux-arm64"
      ? require("better-sqlite3/linux-arm64")
      : addon === "linuxmusl-x64"
        ? require("better-sqlite3/linuxmusl-x64")
        : require("better-sqlite3/linuxmusl-arm64");

/** An open connection. */
export type DatabaseConnection = Database.Database;

/** SQLite's own name of an error (`SQLITE_FULL`, `SQLITE_IOERR_FSYNC`); undefined for what is not SQLite's. */
export function sqliteCode(thrown: unknown): string | undefined {
  return thrown instanceof Sqlite.SqliteError ? thrown.code : undefined;
}

/** What was read; undefined when SQLite cannot. */
export function tolerant<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Whether SQLite means that the disk is full: it has a word of its own for the log's index, which is made anew at a start. */
export function meansDiskFull(code: string | undefined): boolean {
  return code === "SQLITE_FULL" || code === "SQLITE_IOERR_SHMSIZE";
}

function platformAddon(): string {
  return `linux${runsOnMusl() ? "musl" : ""}-${process.arch}`;
}
