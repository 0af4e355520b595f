/** The days that have a table: those that are there, and those that are made when the first event of a day comes. */
import type { SQL } from "bun";
import { migrationLock } from "../migrate.ts";
import { dayTable } from "../schema.ts";
import { calendarDay, dayOf, dayOfTable, restDay, tableOf } from "./days.ts";

/** Tables that are made in one transaction: each takes a few locks, and others wait. */
const daysAtOnce = 16;

/** Days with a table of the partitioned one, ascending; what somebody has detached or dropped is not among them. */
export async function daysThere(sql: SQL): Promise<readonly number[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'event'::regclass`;
  return rows
    .map(({ name }) => dayOfTable(name))
    .filter((day) => day !== undefined)
    .sort((a, b) => a - b);
}

/** What a writer knows of them. */
export class EventDays {
  private known: ReadonlySet<number> = new Set([restDay]);
  /** A table of that name is there and takes no events: somebody has put it aside. */
  private readonly asideDays = new Set<number>();

  /** Where an event of this time is stored. */
  of(timeMs: number, nowMs: number): number {
    const day = dayOf(timeMs, nowMs);
    return this.asideDays.has(day) ? restDay : day;
  }

  /** Where an event of this time may have been stored, whenever that was. */
  mayHold(timeMs: number): readonly number[] {
    const day = calendarDay(timeMs);
    return day !== restDay && this.known.has(day) ? [day, restDay] : [restDay];
  }

  /** Of these, the ones without a table. */
  missing(days: Iterable<number>): readonly number[] {
    return [...new Set(days)].filter((day) => !this.known.has(day));
  }

  async refresh(sql: SQL): Promise<void> {
    this.known = new Set(await daysThere(sql));
  }

  /** Makes tables, in transactions of their own: an append that needs them begins afterwards. */
  async make(sql: SQL, days: readonly number[]): Promise<void> {
    for (let from = 0; from < days.length; from += daysAtOnce) {
      await sql.begin(async (tx) => {
        await tx`select pg_advisory_xact_lock(${migrationLock})`;
        const there = new Set(await daysThere(tx));
        for (const day of days.slice(from, from + daysAtOnce)) {
          if (there.has(day)) continue;
          const table = tableOf(day);
          const [taken] = await tx<{ taken: boolean }[]>`select to_regclass(${table}) is not null as taken`;
          if (taken?.taken === true) this.asideDays.add(day);
          else await tx.unsafe(dayTable(table, day)).simple();
        }
      });
    }
    await this.refresh(sql);
  }
}
