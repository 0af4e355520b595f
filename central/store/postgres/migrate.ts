/** Whose database this is, and the tables in it: made, brought up to date, or refused. */
import type { SQL } from "bun";
import { AppError } from "../../../shared/errors/app-error.ts";
import { restDay, tableOf } from "./events/days.ts";
import { dayTable, firstSchema, migrations, schemaName, schemaVersion, storeMark } from "./schema.ts";

/** Of all advisory locks of the database, ours: "TGct". */
export const migrationLock = 0x54476374;

/** Undefined: there is no store in the database, and one can be made. */
export type StoreFound = { readonly id: string; readonly version: number } | undefined;

/**
 * Looks, and changes nothing.
 *
 * @throws AppError `CENTRAL_STORE_VERSION` when a newer version has made it, `CENTRAL_STORE_FOREIGN` when the schema is
 * another program's.
 */
export async function inspectStore(sql: SQL): Promise<StoreFound> {
  const [found] = await sql<{ store: boolean; tables: number }[]>`
    select to_regclass(${`${schemaName}.store`}) is not null as store,
      (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = ${schemaName}) as tables`;
  if (found === undefined || found.tables === 0) return undefined;
  const foreign = `open the store: the schema "${schemaName}" of this database is another program's`;
  if (!found.store) throw new AppError("CENTRAL_STORE_FOREIGN", foreign);
  const [row] = await sql<{ row: Readonly<Record<string, unknown>> }[]>`
    select to_jsonb(s) as row from ${sql(schemaName)}.store s limit 1`;
  const { mark, version, id } = row?.row ?? {};
  if (mark !== storeMark || typeof version !== "number" || typeof id !== "string") {
    throw new AppError("CENTRAL_STORE_FOREIGN", foreign);
  }
  if (version > schemaVersion) {
    throw new AppError("CENTRAL_STORE_VERSION", `open the store: schema ${version}, this knows ${schemaVersion}`);
  }
  return { id, version };
}

/** Makes the tables where there are none, or those that are new. One instance at a time; the others wait, and one of them tells. Returns the id. */
export async function migrate(sql: SQL, onMade: () => void = () => undefined): Promise<string> {
  const before = await inspectStore(sql);
  if (before?.version === schemaVersion) return before.id;
  const { id, made } = await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${migrationLock})`;
    const found = await inspectStore(tx);
    if (found?.version === schemaVersion) return { id: found.id, made: false };
    if (found !== undefined) {
      await bringUp(tx, found.version);
      await tx`update store set version = ${schemaVersion}`;
      return { id: found.id, made: false };
    }
    const id = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    await tx.unsafe(`create schema if not exists ${schemaName}`).simple();
    await tx.unsafe(firstSchema).simple();
    await bringUp(tx, 1);
    await tx.unsafe(dayTable(tableOf(restDay), restDay)).simple();
    await tx`insert into store (mark, version, id) values (${storeMark}, ${schemaVersion}, ${id})`;
    return { id, made: true };
  });
  if (made) onMade();
  return id;
}

async function bringUp(sql: SQL, fromVersion: number): Promise<void> {
  for (let from = fromVersion; from < schemaVersion; from++) await sql.unsafe(migrations[from] ?? "").simple();
}
