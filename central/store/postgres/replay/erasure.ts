/**
 * Removes a vehicle. First it is on the suppression list, so that nothing of it is stored again; then what there is of it goes,
 * a bounded part a transaction. The lanes' ranges stay: the numbers were received, and the books go on adding up.
 *
 * Whoever adds a table with a vehicle in it adds its `delete` here. The list's row is changed last, after the partitions' rows: an
 * append, which counts what it withholds, takes them in that order.
 */
import type { SQL } from "bun";
import { vehicleOf } from "../../../ledger/vehicle.ts";
import type { ErasureStep, Suppression } from "../../replay-port.ts";
import { tableOf } from "../events/days.ts";
import { daysThere } from "../events/event-days.ts";
import { bytes, int8s, textOf } from "../values.ts";
import { lockSuppressions } from "./suppressions.ts";

const rowsPerStep = 10_000;
const lettersPerStep = 20_000;

interface LetterRow {
  readonly id: number;
  readonly key: Buffer | null;
  readonly identity: Buffer | null;
}

/** A transaction of it. */
export async function eraseSome(sql: SQL, vehicle: string, by: string, nowMs: number): Promise<ErasureStep> {
  const name = bytes(vehicle);
  const [known] = await sql<{ after: number }[]>`
    select letters_after::float8 as after from suppression where vehicle = ${name} and not erased`;
  if (known === undefined) {
    await suppress(sql, name, by, nowMs);
    return { events: 0, deadLetters: 0, conflicts: 0, done: false };
  }
  const events = await removeEvents(sql, name);
  if (events > 0) {
    await sql`update suppression set events = events + ${events} where vehicle = ${name}`;
    return { events, deadLetters: 0, conflicts: 0, done: false };
  }
  const { emptied, after } = await emptyLetters(sql, vehicle, known.after);
  if (after !== undefined) {
    await sql`update suppression set letters_after = ${after} where vehicle = ${name}`;
    return { events, deadLetters: emptied, conflicts: 0, done: false };
  }
  const { count: conflicts } = await sql`delete from conflict where vehicle = ${name}`;
  // What rules have said of it goes too, after what they keep. `alert_sum` goes on counting what was said, of whomever.
  await sql`delete from rule_state where vehicle = ${name}`;
  await sql`delete from alert_delivery where vehicle = ${name}`;
  await sql`delete from alert where vehicle = ${name}`;
  await sql`delete from series where vehicle = ${name}`;
  await sql`update suppression set erased = true where vehicle = ${name}`;
  return { events, deadLetters: emptied, conflicts, done: true };
}

/** Those that have begun and are not done. */
export async function readUnfinished(sql: SQL): Promise<{ vehicle: string; by: string }[]> {
  const rows = await sql<{ vehicle: Buffer; by: Buffer }[]>`select vehicle, by from suppression where not erased`;
  return rows.map(({ vehicle, by }) => ({ vehicle: textOf(vehicle), by: textOf(by) }));
}

/** False: it was not on the list. */
export async function unsuppress(sql: SQL, vehicle: string): Promise<boolean> {
  await lockSuppressions(sql);
  const { count } = await sql`delete from suppression where vehicle = ${bytes(vehicle)}`;
  return count > 0;
}

/** The list, in the order of names. */
export async function readSuppressions(sql: SQL, after: string, limit: number): Promise<Suppression[]> {
  const rows = await sql<(Omit<Suppression, "vehicle" | "by"> & { vehicle: Buffer; by: Buffer })[]>`
    select vehicle, at::float8 as "atMs", by, events::float8 as events, withheld::float8 as withheld
    from suppression where vehicle > ${bytes(after)} order by vehicle limit ${limit}`;
  return rows.map(({ vehicle, by, ...row }) => ({ ...row, vehicle: textOf(vehicle), by: textOf(by) }));
}

/** A transaction of its own: it holds what every append needs. One that was done begins anew. */
async function suppress(sql: SQL, vehicle: Buffer, by: string, nowMs: number): Promise<void> {
  await lockSuppressions(sql);
  await sql`
    insert into suppression (vehicle, at, by) values (${vehicle}, ${nowMs}, ${bytes(by)})
    on conflict (vehicle) do update set erased = false, letters_after = 0`;
  // Out of every list at once, before its rows are gone.
  await sql`update series set last_time = null, last_value = null, changes = changes + 1 where vehicle = ${vehicle}`;
}

async function removeEvents(sql: SQL, vehicle: Buffer): Promise<number> {
  const rows = await sql<{ id: number }[]>`select id::float8 as id from series where vehicle = ${vehicle}`;
  if (rows.length === 0) return 0;
  const ids = int8s(
    sql,
    rows.map(({ id }) => id),
  );
  let removed = 0;
  for (const day of await daysThere(sql)) {
    const table = sql(tableOf(day));
    const { count } = await sql`
      delete from ${table} where ctid = any(array(select ctid from ${table} where series = any(${ids}) limit ${rowsPerStep - removed}))`;
    removed += count;
    if (removed >= rowsPerStep) break;
  }
  return removed;
}

/** `after`: there are more to look at. A row that is left says that something was refused there, and no more. */
async function emptyLetters(
  sql: SQL,
  vehicle: string,
  afterId: number,
): Promise<{ readonly emptied: number; readonly after: number | undefined }> {
  const rows = await sql<LetterRow[]>`
    select id::float8 as id, key, identity from dead_letter
    where id > ${afterId} and (key is not null or identity is not null) order by id limit ${lettersPerStep}`;
  const found = rows.filter(({ key, identity }) => {
    return vehicleOf(key ?? undefined, identity === null ? undefined : textOf(identity)) === vehicle;
  });
  const after = rows.length < lettersPerStep ? undefined : rows.at(-1)?.id;
  if (found.length === 0) return { emptied: 0, after };
  const ids = int8s(
    sql,
    found.map(({ id }) => id),
  );
  await sql`
    with kept as (
      select source, sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + coalesce(octet_length(identity), 0)) as bytes
      from dead_letter where id = any(${ids}) group by source
    ) update source s set dead_bytes = greatest(0, s.dead_bytes - kept.bytes) from kept where s.id = kept.source`;
  const { count } = await sql`update dead_letter set key = null, value = null, identity = null where id = any(${ids})`;
  return { emptied: count, after };
}
