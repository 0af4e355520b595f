/**
 * Overwrites what stands on pages of the file that nothing uses any more. Rows move about: events from `recent` to chunks, chunks to
 * larger ones. Where they stood before is free, and still holds them until something else is written there. So whoever is to leave no
 * trace has to overwrite all free pages, not only those that its own rows stood on.
 *
 * SQLite has no word for that which does not write the whole file anew. So a table of zeros takes all free pages, a bounded part a
 * transaction, and gives them back. A process that dies in between goes on with it at its next start.
 */
import type Database from "better-sqlite3";

const bytesPerStep = 8 * 1024 * 1024;
/** Its row says that all free pages were taken, and are given back now. */
const allTaken = -1;

export class FreePages {
  constructor(private readonly database: Database.Database) {}

  /** Pages that are free now are overwritten before `step` says that it is over, also when it is under way for somebody else. */
  begin(): void {
    this.database.exec("create table if not exists overwritten (id integer primary key, zeros blob)");
    this.database.prepare("delete from overwritten where id = ?").run(allTaken);
  }

  /** One part, inside a transaction of the caller. False: it is over, for everybody who has begun it. */
  step(): boolean {
    const { database } = this;
    if (!this.isBegun) return false;
    const last = database.prepare("select max(id) from overwritten where id > ?").pluck();
    if (database.prepare("select 1 from overwritten where id = ?").get(allTaken) === undefined) {
      const freeBytes = Number(database.pragma("freelist_count", { simple: true })) * this.pageBytes;
      const next = Number(last.get(allTaken) ?? 0) + 1;
      if (freeBytes === 0) database.prepare("insert into overwritten values (?, null)").run(allTaken);
      else
        database
          .prepare("insert into overwritten values (?, zeroblob(?))")
          .run(next, Math.min(freeBytes, bytesPerStep));
      return true;
    }
    const id = last.get(allTaken);
    if (id !== null) {
      database.prepare("delete from overwritten where id = ?").run(id);
      return true;
    }
    database.exec("drop table overwritten");
    return false;
  }

  private get isBegun(): boolean {
    return this.database.prepare("select 1 from sqlite_schema where name = 'overwritten'").get() !== undefined;
  }

  private get pageBytes(): number {
    return Number(this.database.pragma("page_size", { simple: true }));
  }
}
