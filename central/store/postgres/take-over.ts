/**
 * Ends the sessions of instances that are frozen inside a transaction: stopped, swapped out, cut off from the network.
 *
 * The server ends a session by itself when it waits for the next statement for too long. It does not while a COPY waits for
 * its rows, or an answer waits to be read: `statement_timeout` is not looked at then (tried with PostgreSQL 15). So whoever
 * had to wait for a lock looks for transactions that are older than any transaction of ours may be, and ends their
 * sessions. Each instance gives its own transactions up before that age, so what is ended has nobody who waits for it; and what
 * it had not committed is not there.
 */
import type { SQL } from "bun";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { frozenEnded, notEnded } from "./telemetry.ts";

/** What our writers call themselves in `pg_stat_activity`. */
export const writerName = "tailgate-central";
/** And our readers, whose sessions nobody waits for. */
export const readerName = "tailgate-central reader";

interface EndedRow {
  readonly pid: number;
  readonly seconds: number;
  readonly ended: boolean;
}

/** Ends sessions of our writers whose transaction is older; says so, and what could not be ended. Throws nothing. */
export async function endFrozen(sql: SQL, olderMs: number, report: Report): Promise<void> {
  try {
    const rows = await sql<EndedRow[]>`
      select pid, extract(epoch from clock_timestamp() - xact_start)::float8 as seconds, pg_terminate_backend(pid) as ended
      from pg_stat_activity
      where datname = current_database() and usename = current_user and application_name = ${writerName}
        and pid <> pg_backend_pid() and xact_start < clock_timestamp() - ${olderMs} * interval '1 millisecond'`;
    for (const { pid, seconds, ended } of rows) {
      report(ended ? frozenEnded : notEnded, { pid, seconds: Math.round(seconds) });
    }
  } catch (thrown) {
    report(notEnded, { error: messageOf(thrown) });
  }
}
