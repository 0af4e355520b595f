import type Database from "better-sqlite3";
import { compareEvents, type StoredEvent } from "./chunk-codec.ts";
import type { EventWriter } from "./writer.ts";

/** `recent` is folded when it holds this many rows, or this many bytes of values. */
export const foldRows = 200_000;
/** Bytes of values in `recent` from which it is folded. */
export const foldBytes = 48 * 1024 * 1024;

/**
 * Moves all of `recent` into chunks, one series after the other, and empties it: inside a transaction of the caller,
 * so that an event is always in exactly one of the two. Deleting everything costs SQLite a page, not a row, each.
 */
export function foldRecent(database: Database.Database, events: EventWriter): number {
  const series = database.prepare<[], number>("select distinct series from recent order by series").pluck();
  const rows = database.prepare<[number], StoredEvent>(
    "select time, source, offset, lane, seq, value from recent where series = ?",
  );
  let folded = 0;
  for (const id of series.all()) {
    const found = rows.all(id).sort(compareEvents);
    events.writeSorted(id, found, false);
    folded += found.length;
  }
  database.exec("delete from recent");
  return folded;
}

/** Rows in `recent`: its ids begin at 1 again after each fold. */
export function recentRows(database: Database.Database): number {
  return Number(database.prepare("select coalesce(max(id), 0) from recent").pluck().get());
}
