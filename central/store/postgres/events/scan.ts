/**
 * Events of some series in order, day by day. Only the tables of the days that are asked for are touched, and of these
 * a block of rows at a time: the first page of a year of events reads one day.
 *
 *     asc:   [ day 1 ] [ days 2-5 ] [ days 6-21 ] …        each with what event_rest has of its time
 *
 * Longer values are read when their event's turn comes: a block of them would not fit into memory.
 */
import type { SQL } from "bun";
import type { LaneIdentity } from "../../../../shared/identity/identity.ts";
import type { EventPage, EventPosition, EventQuery, EventRow } from "../../reader.ts";
import { int8s, textOf } from "../values.ts";
import { dayStartMs, restDay, tableOf } from "./days.ts";

/** Rows that are read at once. */
const blockRows = 1_000;
/** Values up to this are read with their rows. */
const inlineBytesMax = 8 * 1024;
/** Days in one statement grow: a vehicle that has nothing in the first days is not asked for day by day. */
const daysFirst = 1;
const daysMax = 64;

/** An event as it is read, and its lane. */
export interface EventColumns {
  readonly series: number;
  readonly time: number;
  readonly source: number;
  readonly offset: number;
  readonly lane: number;
  readonly seq: number;
  readonly value: Buffer | null;
  readonly topic: Buffer;
  readonly partition: number;
  readonly agent: Buffer | null;
  readonly epoch: Buffer | null;
  readonly laneStream: Buffer | null;
  readonly laneNumber: number | null;
}

interface Row extends EventColumns {
  readonly day: number;
  readonly size: number | null;
}

/** A stretch of time and the days with a table in it. */
export interface Stretch {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly days: readonly number[];
}

/** Cuts a time range so that each stretch has one day, then four, then sixteen, … in the order of reading. */
export function stretchesOf(
  days: readonly number[],
  { fromMs, toMs, order }: Pick<EventQuery, "fromMs" | "toMs" | "order">,
) {
  const up = order === "asc";
  const inRange = days.filter((day) => day !== restDay && dayStartMs(day + 1) > fromMs && dayStartMs(day) < toMs);
  if (!up) inRange.reverse();
  const stretches: Stretch[] = [];
  let [low, high] = [fromMs, toMs];
  for (let at = 0, size = daysFirst; at < inRange.length; at += size, size = Math.min(size * 4, daysMax)) {
    if (at > 0 && size === daysFirst) size = daysFirst * 4;
    const group = inRange.slice(at, at + size);
    const last = group.at(-1) ?? 0;
    const whole = at + size >= inRange.length;
    if (up) {
      const end = whole ? high : dayStartMs(last + 1);
      stretches.push({ fromMs: low, toMs: end, days: group });
      low = end;
    } else {
      const begin = whole ? low : dayStartMs(last);
      stretches.push({ fromMs: begin, toMs: high, days: group });
      high = begin;
    }
  }
  return stretches.length === 0 ? [{ fromMs, toMs, days: [] }] : stretches;
}

/** A page of the series' events. `series`: the stream's name of each. */
export async function readEvents(
  sql: SQL,
  days: readonly number[],
  series: ReadonlyMap<number, string>,
  query: EventQuery,
): Promise<EventPage> {
  const { order, limit, bytesMax = Number.POSITIVE_INFINITY } = query;
  const events: EventRow[] = [];
  let after = query.after;
  let bytes = 0;
  if (series.size === 0) return { events, more: false };
  const range = trimmed(query);
  for (const stretch of stretchesOf(days, range)) {
    for (;;) {
      const rows = await readBlock(sql, [...series.keys()], stretch, {
        order,
        after,
        limit: blockLimit(limit - events.length),
      });
      for (const row of rows) {
        if (events.length >= limit || bytes >= bytesMax) return { events, more: true };
        const value = row.size === null || row.size <= inlineBytesMax ? row.value : await readValue(sql, row);
        events.push(eventOf(row, value, series.get(row.series) ?? ""));
        bytes += row.size ?? 0;
        after = { time: row.time, source: row.source, offset: row.offset };
      }
      if (rows.length < blockLimit(limit - events.length + rows.length)) break;
    }
  }
  return { events, more: false };
}

/** One more than is wanted, to see whether there is one. */
function blockLimit(wanted: number): number {
  return Math.min(wanted + 1, blockRows);
}

/** What lies before the last page is not looked at again. */
function trimmed({ fromMs, toMs, order, after }: EventQuery) {
  if (after === undefined) return { fromMs, toMs, order };
  return order === "asc"
    ? { fromMs: Math.max(fromMs, after.time), toMs, order }
    : { fromMs, toMs: Math.min(toMs, after.time + 1), order };
}

interface BlockWords {
  readonly order: "asc" | "desc";
  readonly after: EventPosition | undefined;
  readonly limit: number;
}

async function readBlock(
  sql: SQL,
  series: readonly number[],
  { fromMs, toMs, days }: Stretch,
  { order, after, limit }: BlockWords,
): Promise<Row[]> {
  if (fromMs >= toMs) return [];
  const edge = order === "asc" ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  const { time, source, offset } = after ?? { time: edge, source: 0, offset: 0 };
  const by =
    order === "asc" ? sql`order by time, source, "offset"` : sql`order by time desc, source desc, "offset" desc`;
  const beyond =
    order === "asc"
      ? sql`(time, source, "offset") > (${time}::bigint, ${source}::int, ${offset}::bigint)`
      : sql`(time, source, "offset") < (${time}::bigint, ${source}::int, ${offset}::bigint)`;
  const parts = [restDay, ...days].map(
    (day) => sql`
      (select * from ${sql(tableOf(day))} where series = n.series and time >= ${fromMs}::bigint and time < ${toMs}::bigint
        and ${beyond} ${by} limit ${limit})`,
  );
  const all = parts.reduce((before, part) => sql`${before} union all ${part}`);
  return await sql<Row[]>`
    select e.day, e.series::float8 as series, e.time::float8 as time, e.source, e."offset"::float8 as offset,
      e.lane::float8 as lane, e.seq::float8 as seq, octet_length(e.value) as size,
      case when octet_length(e.value) <= ${inlineBytesMax} then e.value end as value, s.topic, s.partition,
      l.agent, l.epoch, l.stream as "laneStream", l.lane::float8 as "laneNumber"
    from (
      select e.* from unnest(${int8s(sql, series)}) as n (series) cross join lateral (${all}) e ${by} limit ${limit}
    ) e join source s on s.id = e.source left join lane l on l.id = e.lane ${by}`;
}

async function readValue(sql: SQL, { day, series, time, source, offset }: Row): Promise<Buffer | null> {
  const [row] = await sql<{ value: Buffer | null }[]>`
    select value from ${sql(tableOf(day))}
    where series = ${series} and time = ${time} and source = ${source} and "offset" = ${offset}`;
  return row?.value ?? null;
}

/** As readers are given it. */
export function eventOf(row: EventColumns, value: Buffer | null, stream: string): EventRow {
  const { time, source, offset, seq, topic, partition } = row;
  return { position: { time, source, offset }, stream, topic: textOf(topic), partition, lane: laneOf(row), seq, value };
}

function laneOf({ agent, epoch, laneStream, laneNumber }: EventColumns): LaneIdentity | undefined {
  if (agent === null || epoch === null || laneStream === null || laneNumber === null) return undefined;
  return { agent: textOf(agent), epoch: textOf(epoch), stream: textOf(laneStream), lane: laneNumber };
}
