import Database from "better-sqlite3";

/** What a store holds, read past all of the product's reading code but the chunk codec. */
export function storeSums(path: string): {
  readonly events: number;
  readonly counted: number;
  readonly received: number;
} {
  const database = new Database(path, { readonly: true });
  try {
    const number = (sql: string) => Number(database.prepare(sql).pluck().get());
    return {
      events: number("select coalesce(sum(events), 0) + (select count(*) from recent) from chunk"),
      counted: number("select coalesce(sum(stored), 0) from source"),
      received: number("select coalesce(sum(last - first + 1), 0) from ledger where kind = 'received'"),
    };
  } finally {
    database.close();
  }
}
