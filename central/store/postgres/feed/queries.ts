/** What the feed asks: arrivals after a place, names, and the events of arrivals. */
import type { SQL } from "bun";
import type { EventRow } from "../../reader.ts";
import { restDay, tableOf } from "../events/days.ts";
import { type EventColumns, eventOf } from "../events/scan.ts";
import { int8s } from "../values.ts";

/** A series of an arrival: where its new events lie. */
export interface ArrivedSeries {
  readonly source: number;
  /** The first offset that was not seen, and the offset after the arrival. */
  readonly first: number;
  readonly next: number;
  readonly series: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly days: Iterable<number>;
}

/** Where a source was seen to. */
export interface SeenSource {
  readonly source: number;
  readonly offset: number;
}

/** What has arrived since; undefined: more events than `eventsMax`. */
export async function readArrivals(
  sql: SQL,
  seen: readonly SeenSource[],
  eventsMax: number,
): Promise<ArrivedSeries[] | undefined> {
  const [sources, offsets] = [seen.map(({ source }) => source), seen.map(({ offset }) => offset)];
  const since = sql`arrival a join unnest(${int8s(sql, sources)}, ${int8s(sql, offsets)}) as n (source, seen)
    on a.source = n.source and a.next_offset > n.seen`;
  const [sum] = await sql<{ total: number }[]>`select coalesce(sum(a.total), 0)::float8 as total from ${since}`;
  if ((sum?.total ?? 0) > eventsMax) return undefined;
  return await sql<ArrivedSeries[]>`
    select a.source, greatest(a.first_offset, n.seen)::float8 as first, a.next_offset::float8 as next, a.days,
      s.series::float8 as series, s.first_time::float8 as "firstTime", s.last_time::float8 as "lastTime"
    from ${since} cross join lateral unnest(a.series, a.first_time, a.last_time) as s (series, first_time, last_time)`;
}

/** Vehicles and streams of series. */
export async function readNames(sql: SQL, series: readonly number[]) {
  if (series.length === 0) return [];
  return await sql<{ id: number; vehicle: Buffer; stream: Buffer }[]>`
    select id::float8 as id, vehicle, stream from series where id = any(${int8s(sql, series)})`;
}

/** How many events of these there are, and how many bytes of values they have. */
export async function countArrived(
  sql: SQL,
  arrived: readonly ArrivedSeries[],
  days: readonly number[],
): Promise<{ readonly count: number; readonly bytes: number }> {
  const [row] = await sql<{ count: number; bytes: number }[]>`
    select count(*)::float8 as count, coalesce(sum(octet_length(e.value)), 0)::float8 as bytes
    from ${arrivedEvents(sql, arrived, days)}`;
  return row ?? { count: 0, bytes: 0 };
}

/** These events, by source and offset. */
export async function readArrived(
  sql: SQL,
  arrived: readonly ArrivedSeries[],
  days: readonly number[],
): Promise<readonly { readonly series: number; readonly row: EventRow }[]> {
  const rows = await sql<EventColumns[]>`
    select e.series::float8 as series, e.time::float8 as time, e.source, e."offset"::float8 as offset,
      e.lane::float8 as lane, e.seq::float8 as seq, e.value, s.topic, s.partition,
      l.agent, l.epoch, l.stream as "laneStream", l.lane::float8 as "laneNumber"
    from ${arrivedEvents(sql, arrived, days)} join source s on s.id = e.source left join lane l on l.id = e.lane
    order by e.source, e."offset"`;
  return rows.map((row) => ({ series: row.series, row: eventOf(row, row.value, "") }));
}

function arrivedEvents(sql: SQL, arrived: readonly ArrivedSeries[], days: readonly number[]) {
  const numbers = (of: (each: ArrivedSeries) => number) => int8s(sql, arrived.map(of));
  const touched = new Set(arrived.flatMap(({ days: own }) => [...own]));
  // One that was dropped meanwhile is retention: there is nothing to show of it.
  const there = days.filter((day) => touched.has(day));
  const parts = (there.length === 0 ? [restDay] : there).map(
    (day) => sql`
      (select * from ${sql(tableOf(day))} where series = w.series and time >= w.first_time and time <= w.last_time
        and source = w.source and "offset" >= w.first and "offset" < w.next)`,
  );
  const all = parts.reduce((before, part) => sql`${before} union all ${part}`);
  return sql`unnest(
      ${numbers(({ source }) => source)}, ${numbers(({ first }) => first)}, ${numbers(({ next }) => next)},
      ${numbers(({ series }) => series)}, ${numbers(({ firstTime }) => firstTime)}, ${numbers(({ lastTime }) => lastTime)}
    ) as w (source, first, next, series, first_time, last_time) cross join lateral (${all}) e`;
}
