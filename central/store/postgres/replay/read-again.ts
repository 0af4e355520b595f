/** Records that are read for another time than the first go through the same plan as those of the consumer, and move no position. */
import type { SQL } from "bun";
import type { PlannedEvent } from "../../../ledger/entries.ts";
import { AppendPlanning, type Plan } from "../../../ledger/plan.ts";
import type { Reading } from "../../../ledger/reading.ts";
import type { TopicPartition } from "../../../records/partition.ts";
import type { RecordSlice } from "../../../records/record-block.ts";
import { tableOf } from "../events/days.ts";
import type { EventDays } from "../events/event-days.ts";
import { findValues } from "../events/find.ts";
import { loadLedger } from "../ledger-loader.ts";
import { daysOf, writePlan } from "../plan-writer.ts";
import { int8s } from "../values.ts";
import { MissingDays, type WriterTools } from "../writer-session.ts";

/** What is read, and why. */
export interface ReadAgain {
  readonly source: TopicPartition & { readonly id: number };
  readonly records: readonly RecordSlice[];
  readonly reading: Reading;
}

/** Plans and writes it. @throws MissingDays, Raced: begin the transaction again. */
export async function writeAgain(
  sql: SQL,
  { source: { id, topic, partition }, records, reading }: ReadAgain,
  { nowMs, days, arrivals: _, eventRules: __, ...limits }: WriterTools,
): Promise<Plan> {
  const planning = new AppendPlanning(records, { source: { id, topic, partition }, nowMs, ...limits, reading });
  const seen = await loadLedger(sql, planning.gathered);
  const doubts = planning.place();
  const values = await findValues(sql, doubts, days);
  const places = doubts.map(({ event }) => event.offset);
  const conflicts = places.length === 0 ? new Set() : await conflictsAt(sql, id, places);
  const foreign = await Promise.all(planning.foreignDoubts.map((event) => isStored(sql, event, days)));
  const plan = planning.settle(doubts, { values, isConflict: ({ event }) => conflicts.has(event.offset), foreign });
  const missing = days.missing(daysOf(plan, days, nowMs));
  if (missing.length > 0) throw new MissingDays(missing);
  // An append's rows go with its transaction; here one has many.
  await sql`delete from incoming_series`;
  await writePlan(sql, plan, { nowMs, days, seen });
  return plan;
}

async function conflictsAt(sql: SQL, source: number, offsets: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await sql<{ at: number }[]>`
    select "offset"::float8 as at from conflict where source = ${source} and "offset" = any(${int8s(sql, offsets)})`;
  return new Set(rows.map(({ at }) => at));
}

/** A record without an identity is known by its place. */
async function isStored(sql: SQL, event: PlannedEvent, days: EventDays): Promise<boolean> {
  const { series, time, source, offset } = event;
  if (series.stored === undefined) return false;
  for (const day of days.mayHold(time)) {
    const [found] = await sql`
      select 1 from ${sql(tableOf(day))}
      where series = ${series.stored.id} and time = ${time} and source = ${source} and "offset" = ${offset} limit 1`;
    if (found !== undefined) return true;
  }
  return false;
}
