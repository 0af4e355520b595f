/**
 * Finds stored events by their identity, to compare them with repeats. No index of its own: an honest repeat has the same
 * vehicle, stream and event time, and by these the day's table has its index.
 *
 * A few of a series are looked up one by one. Many are looked for in one pass over what lies between the first and the
 * last of them: whoever sends 25,000 events of one moment, twice, must not have each compared with all others.
 */
import type { SQL } from "bun";
import type { Doubt } from "../../../ledger/entries.ts";
import { int8s } from "../values.ts";
import { tableOf } from "./days.ts";
import type { EventDays } from "./event-days.ts";

/** Up to so many of a series are looked up one by one. */
const fewMax = 8;

/** A doubt, and where its answer goes. */
interface Sought {
  readonly index: number;
  readonly series: number;
  readonly time: number;
  readonly lane: number;
  readonly seq: number;
}

type Found = (Buffer | null | undefined)[];

interface FoundRow {
  readonly at: number;
  readonly value: Buffer | null;
}

/** The stored value of each doubt: null when it was stored as null, undefined when there is no such event. */
export async function findValues(sql: SQL, doubts: readonly Doubt[], days: EventDays): Promise<Found> {
  const found: Found = new Array(doubts.length).fill(undefined);
  if (doubts.length === 0) return found;
  const byDay = new Map<number, Map<number, Sought[]>>();
  doubts.forEach(({ event, lane }, index) => {
    const { time, seq } = event;
    const sought = { index, series: event.series.stored?.id ?? 0, time, lane: lane.stored?.id ?? 0, seq };
    for (const day of days.mayHold(time)) groupOf(byDay, day, sought.series).push(sought);
  });
  for (const [day, bySeries] of byDay) {
    const groups = [...bySeries.values()];
    const few = groups.filter(({ length }) => length <= fewMax).flat();
    if (few.length > 0) await takeFew(sql, tableOf(day), few, found);
    for (const many of groups.filter(({ length }) => length > fewMax)) await takeMany(sql, tableOf(day), many, found);
  }
  return found;
}

function groupOf(byDay: Map<number, Map<number, Sought[]>>, day: number, series: number): Sought[] {
  let bySeries = byDay.get(day);
  if (bySeries === undefined) {
    bySeries = new Map();
    byDay.set(day, bySeries);
  }
  let group = bySeries.get(series);
  if (group === undefined) {
    group = [];
    bySeries.set(series, group);
  }
  return group;
}

async function takeFew(sql: SQL, table: string, sought: readonly Sought[], found: Found): Promise<void> {
  const rows = await sql<FoundRow[]>`
    select (n.at - 1)::int as at, e.value
    from unnest(${int8s(
      sql,
      sought.map(({ series }) => series),
    )}, ${int8s(
      sql,
      sought.map(({ time }) => time),
    )},
      ${int8s(
        sql,
        sought.map(({ lane }) => lane),
      )}, ${int8s(
        sql,
        sought.map(({ seq }) => seq),
      )})
      with ordinality as n (series, time, lane, seq, at)
    join ${sql(table)} e on e.series = n.series and e.time = n.time and e.lane = n.lane and e.seq = n.seq`;
  for (const { at, value } of rows) {
    const one = sought[at];
    if (one !== undefined) found[one.index] = value;
  }
}

/** All of one series. */
async function takeMany(sql: SQL, table: string, sought: readonly Sought[], found: Found): Promise<void> {
  const times = sought.map(({ time }) => time);
  const [from, to] = times.reduce(
    ([low, high], time) => [Math.min(low, time), Math.max(high, time)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  // The session's plans are look-ups, one a row; here that is what must not be.
  await sql`select set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true)`;
  const rows = await sql<FoundRow[]>`
    select (n.at - 1)::int as at, e.value from ${sql(table)} e
    join unnest(${int8s(sql, times)}, ${int8s(
      sql,
      sought.map(({ lane }) => lane),
    )}, ${int8s(
      sql,
      sought.map(({ seq }) => seq),
    )})
      with ordinality as n (time, lane, seq, at) on e.time = n.time and e.lane = n.lane and e.seq = n.seq
    where e.series = ${sought[0]?.series ?? 0} and e.time between ${from} and ${to}`;
  await sql`select set_config('enable_hashjoin', 'off', true), set_config('enable_nestloop', 'on', true)`;
  for (const { at, value } of rows) {
    const one = sought[at];
    if (one !== undefined) found[one.index] = value;
  }
}
