/** How long alerts are kept, and what becomes of them when there are no rules any more. */
import type { SQL } from "bun";

const passEveryMs = 3_600_000;
const rowsMax = 1_000;

/** A pass is an hour after the last one; a thousand rows a transaction. One that fires is never deleted, however old. */
export class AlertExpiry {
  private nextPassMs = 0;

  constructor(private readonly retentionMs: number) {}

  async drop(sql: SQL, nowMs: number): Promise<void> {
    if (nowMs < this.nextPassMs) return;
    const beforeMs = nowMs - this.retentionMs;
    // A clock that is wrong in the data must keep nothing for ever: what counts is the later of both, up to now.
    const { count } = await sql`
      delete from alert where number in (
        select number from alert where state <> 'firing' and stored_at < ${beforeMs} and least(coalesce(resolved, 0), ${nowMs}::bigint) < ${beforeMs}
        order by number limit ${rowsMax} for update skip locked)`;
    if (count < rowsMax) this.nextPassMs = nowMs + passEveryMs;
  }
}

/**
 * There are no rules: what still fires would fire for ever, so it is resolved like an alert of a rule that was removed, and rules that
 * come back begin anew. Old alerts go too. How many fired.
 */
export async function withdrawRules(sql: SQL, nowMs: number, retentionMs: number): Promise<number> {
  const { count } = await sql`
    update alert set state = 'resolved', resolved = ${nowMs}, resolved_by = 'rule' where state = 'firing'`;
  if (count > 0) await sql`delete from rule_state`;
  const beforeMs = nowMs - retentionMs;
  await sql`
    delete from alert where stored_at < ${beforeMs} and least(coalesce(resolved, 0), ${nowMs}::bigint) < ${beforeMs}`;
  return count;
}
