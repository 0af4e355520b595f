/** What rules keep of vehicles, line by line. */
import type { SQL } from "bun";
import type { VehicleRow } from "../../../rules/outcome.ts";
import { Raced } from "../failure.ts";
import { byteas, bytes, int8s, textOf } from "../values.ts";

/** What is kept of one, and where it stands. */
export interface StatePlace {
  readonly line: string;
  readonly hour: number;
  readonly deadline: number | null;
  readonly state: string;
}

interface StateRow {
  readonly vehicle: Buffer;
  readonly line: Buffer;
  readonly hour: number;
  readonly deadline: number | null;
  readonly state: Buffer;
}

const hourMs = 3_600_000;
/** Vehicles whose deadline is over that one transaction looks at. */
const dueMax = 1_000;

/** The latest arrival of a line, whose row is locked; 0 for one that is new. */
export async function lockLine(sql: SQL, line: string): Promise<number> {
  const [row] = await sql<{ clock: number }[]>`
    select clock::float8 as clock from rule_line where line = ${bytes(line)} for update`;
  return row?.clock ?? 0;
}

/** Locked, in the order of names. */
export async function loadStates(sql: SQL, vehicles: readonly string[]): Promise<ReadonlyMap<string, StatePlace>> {
  return placesOf(
    await sql<StateRow[]>`
      select vehicle, line, hour::float8 as hour, deadline::float8 as deadline, state from rule_state
      where vehicle = any(${byteas(sql, vehicles.map(bytes))}) order by vehicle for update`,
  );
}

/** Those of a line whose time is over; locked. One that somebody else holds is looked at by that one. */
export async function lockDue(sql: SQL, line: string, clockMs: number): Promise<ReadonlyMap<string, StatePlace>> {
  return placesOf(
    await sql<StateRow[]>`
      select vehicle, line, hour::float8 as hour, deadline::float8 as deadline, state from rule_state
      where line = ${bytes(line)} and deadline <= ${clockMs} order by deadline limit ${dueMax} for update skip locked`,
  );
}

/**
 * Writes them; how many were new. A deadline that is kept may be earlier than the true one, so that an index is written once in
 * a while and not with each event: when it is over, the vehicle is looked at, and nothing is found to do.
 *
 * @throws Raced.
 */
export async function writeStates(
  sql: SQL,
  states: readonly VehicleRow[],
  before: ReadonlyMap<string, StatePlace>,
  { line, clockMs }: { readonly line: string; readonly clockMs: number },
): Promise<number> {
  const hour = Math.floor(clockMs / hourMs);
  const rows = states.map(({ vehicle, state, deadlineMs = null }) => {
    const known = before.get(vehicle);
    const kept = known?.deadline ?? null;
    const stays =
      known !== undefined &&
      (kept === null ? deadlineMs === null : deadlineMs !== null && kept > clockMs && kept <= deadlineMs);
    return { vehicle, state, deadline: stays ? kept : deadlineMs, isNew: known === undefined };
  });
  const fresh = rows.filter(({ isNew }) => isNew);
  const changed = rows.filter(({ isNew }) => !isNew);
  const columns = (some: typeof rows) => ({
    vehicles: byteas(
      sql,
      some.map(({ vehicle }) => bytes(vehicle)),
    ),
    deadlines: int8s(
      sql,
      some.map(({ deadline }) => deadline),
    ),
    texts: byteas(
      sql,
      some.map(({ state }) => bytes(state)),
    ),
  });
  if (fresh.length > 0) {
    const { vehicles, deadlines, texts } = columns(fresh);
    const { count } = await sql`
      insert into rule_state (vehicle, line, hour, deadline, state)
      select vehicle, ${bytes(line)}, ${hour}::bigint, deadline, state from unnest(${vehicles}, ${deadlines}, ${texts})
        as n (vehicle, deadline, state) order by vehicle
      on conflict do nothing`;
    if (count !== fresh.length) throw new Raced("a vehicle that rules keep is not new any more");
  }
  if (changed.length > 0) {
    const { vehicles, deadlines, texts } = columns(changed);
    await sql`
      update rule_state r set line = ${bytes(line)}, hour = ${hour}::bigint, deadline = n.deadline, state = n.state
      from unnest(${vehicles}, ${deadlines}, ${texts}) as n (vehicle, deadline, state) where r.vehicle = n.vehicle`;
  }
  return fresh.length;
}

function placesOf(rows: readonly StateRow[]): ReadonlyMap<string, StatePlace> {
  return new Map(
    rows.map(({ vehicle, line, hour, deadline, state }) => [
      textOf(vehicle),
      { line: textOf(line), hour, deadline, state: textOf(state) },
    ]),
  );
}
