/**
 * Arrivals: what an append has brought, one row an append, in its transaction. The event tables are in the order of vehicles and
 * times; by these rows whoever follows finds what is new in them, and reads nothing else.
 */
import type { SQL } from "bun";
import type { SeriesEntry } from "../../../ledger/entries.ts";
import { int8s } from "../values.ts";
import type { EventDays } from "./event-days.ts";

/** So long they are kept: who comes back later is told that nobody can tell any more. */
const keptMs = 3_600_000;
const forgetEveryMs = 60_000;

/** The offsets of an append, and whose they are. */
export interface ArrivalSpan {
  readonly source: number;
  readonly next: number;
}

/** Writes one. */
export async function writeArrival(
  sql: SQL,
  { source, next }: ArrivalSpan,
  series: readonly { readonly id: number; readonly events: SeriesEntry["events"] }[],
  { days, nowMs }: { readonly days: EventDays; readonly nowMs: number },
): Promise<void> {
  const brought = series.filter(({ events }) => events.length > 0);
  if (brought.length === 0) return;
  const touched = new Set<number>();
  let first = next;
  let total = 0;
  const times = brought.map(({ events }) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const { time, offset } of events) {
      low = Math.min(low, time);
      high = Math.max(high, time);
      first = Math.min(first, offset);
      touched.add(days.of(time, nowMs));
    }
    total += events.length;
    return { low, high };
  });
  const numbers = (values: readonly number[]) => int8s(sql, values);
  await sql`
    insert into arrival (source, first_offset, next_offset, series, events, first_time, last_time, days, total, at)
    values (${source}, ${first}, ${next}, ${numbers(brought.map(({ id }) => id))},
      ${numbers(brought.map(({ events }) => events.length))}::int[], ${numbers(times.map(({ low }) => low))},
      ${numbers(times.map(({ high }) => high))}, ${numbers([...touched])}::int[], ${total}, ${nowMs})`;
}

/** What a writer's connection knows of how long ago it forgot old ones. */
export class ArrivalRetention {
  private readonly forgotMs = new Map<number, number>();

  /** Within an append, whose lock on the partition's row it needs. */
  async forget(sql: SQL, source: number, nowMs: number): Promise<void> {
    if (Math.abs(nowMs - (this.forgotMs.get(source) ?? Number.NEGATIVE_INFINITY)) < forgetEveryMs) return;
    this.forgotMs.set(source, nowMs);
    await sql`
      with gone as (delete from arrival where source = ${source} and at < ${nowMs - keptMs} returning next_offset)
      update source set told_from = greatest(told_from, (select max(next_offset) from gone))
      where id = ${source} and exists (select 1 from gone)`;
  }
}
