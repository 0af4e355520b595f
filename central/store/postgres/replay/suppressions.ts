/**
 * The list of erased vehicles, as an append asks for it. Nearly always it is empty.
 *
 * Who asks holds the list's lock with others until the transaction ends; who puts a vehicle on it holds it alone. So
 * when a vehicle is on the list, no transaction is under way that did not see it there.
 */
import type { SQL } from "bun";
import type { SeriesEntry } from "../../../ledger/entries.ts";
import { vehicleOf } from "../../../ledger/vehicle.ts";
import type { AsideRow } from "../../outcome.ts";
import { byteas, bytes, int8s, textOf } from "../values.ts";

/** Of all advisory locks of the database, the one of this list: "TGsu". */
const listLock = 0x54477375;

/** Held with others, until the transaction ends. */
export async function shareSuppressions(sql: SQL): Promise<boolean> {
  const [, [row]] = await Promise.all([
    sql`select pg_advisory_xact_lock_shared(${listLock})`,
    // A statement of its own: it sees what was committed while the first one waited.
    sql<{ any: boolean }[]>`select exists (select 1 from suppression) as any`,
  ]);
  return row?.any === true;
}

/** Held alone, until the transaction ends. */
export async function lockSuppressions(sql: SQL): Promise<void> {
  await sql`select pg_advisory_xact_lock(${listLock})`;
}

/** Marks the series of erased vehicles. */
export async function markSuppressed(sql: SQL, entries: readonly SeriesEntry[]): Promise<void> {
  const erased = await suppressedOf(
    sql,
    entries.map(({ vehicle }) => vehicle),
  );
  for (const entry of entries) entry.suppressed = erased.has(entry.vehicle);
}

/** Of an erased vehicle no bytes are kept: that something was refused there is enough. */
export async function bareOfSuppressed(sql: SQL, rows: readonly AsideRow[]): Promise<readonly AsideRow[]> {
  if (rows.length === 0) return rows;
  const named = rows.map((row) => {
    const { key, identity, recordTimeMs } = row;
    return { row, vehicle: recordTimeMs === null ? undefined : vehicleOf(key ?? undefined, identity ?? undefined) };
  });
  const vehicles = named.flatMap(({ vehicle }) => vehicle ?? []);
  const erased = await suppressedOf(sql, vehicles);
  return named.map(({ row, vehicle }) =>
    vehicle !== undefined && erased.has(vehicle) ? { ...row, key: null, value: null, identity: null } : row,
  );
}

/** Counts what was not stored. */
export async function countWithheld(sql: SQL, withheld: ReadonlyMap<string, number>): Promise<void> {
  if (withheld.size === 0) return;
  const names = [...withheld.keys()].map(bytes);
  await sql`
    update suppression s set withheld = s.withheld + n.records
    from unnest(${byteas(sql, names)}, ${int8s(sql, [...withheld.values()])}) as n (vehicle, records)
    where s.vehicle = n.vehicle`;
}

async function suppressedOf(sql: SQL, vehicles: readonly string[]): Promise<ReadonlySet<string>> {
  if (vehicles.length === 0) return new Set();
  const names = [...new Set(vehicles)].map(bytes);
  const rows = await sql<{ vehicle: Buffer }[]>`
    select vehicle from suppression where vehicle = any(${byteas(sql, names)})`;
  return new Set(rows.map(({ vehicle }) => textOf(vehicle)));
}
