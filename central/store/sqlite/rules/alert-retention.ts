/**
 * How long alerts are kept, and what becomes of them when there are no rules any more.
 *
 * Numbers are given in the order in which alerts were stored, so the oldest are the first: each pass goes on where the last one
 * stopped, a thousand rows at a time, and ends at the first alert that is too young. One that fires is never deleted, however old; there
 * is one a vehicle and rule at most.
 */
import type Database from "better-sqlite3";

const passEveryMs = 3_600_000;
const rowsMax = 1_000;

interface OldAlert {
  readonly number: number;
  readonly state: string;
  readonly storedMs: number;
  readonly resolvedMs: number | null;
}

export class AlertRetention {
  private readonly sql;
  private lookedUpTo = 0;
  private nextPassMs = 0;

  constructor(
    database: Database.Database,
    private readonly retentionMs: number,
  ) {
    this.sql = {
      oldest: database.prepare<[number, number], OldAlert>(
        `select number, state, stored_at as storedMs, resolved as resolvedMs from alert
         where number > ? order by number limit ?`,
      ),
      drop: database.prepare("delete from alert where number in (select value from json_each(?))"),
    };
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.nextPassMs;
  }

  /** One piece of a pass, in a transaction; how many were deleted. */
  drop(nowMs: number): number {
    if (!this.isDue(nowMs)) return 0;
    const beforeMs = nowMs - this.retentionMs;
    const rows = this.sql.oldest.all(this.lookedUpTo, rowsMax);
    const old = rows.filter(({ storedMs }) => storedMs < beforeMs);
    if (old.length < rowsMax) {
      this.lookedUpTo = 0;
      this.nextPassMs = nowMs + passEveryMs;
    } else this.lookedUpTo = old.at(-1)?.number ?? 0;
    const over = old.filter(
      // A clock that is wrong in the data must keep nothing for ever: what counts is the later of both, up to now.
      ({ state, resolvedMs }) => state !== "firing" && Math.min(resolvedMs ?? 0, nowMs) < beforeMs,
    );
    if (over.length > 0) this.sql.drop.run(JSON.stringify(over.map(({ number }) => number)));
    return over.length;
  }
}

/**
 * There are no rules: what still fires would fire for ever, so it is resolved like an alert of a rule that was removed, and rules that
 * come back begin anew. Old alerts go too. In a transaction; how many fired.
 */
export function withdrawRules(database: Database.Database, nowMs: number, retentionMs: number): number {
  const { changes } = database
    .prepare("update alert set state = 'resolved', resolved = ?, resolved_by = 'rule' where state = 'firing'")
    .run(nowMs);
  if (changes > 0) database.prepare("delete from rule_state").run();
  database
    .prepare("delete from alert where stored_at < :before and min(coalesce(resolved, 0), :now) < :before")
    .run({ before: nowMs - retentionMs, now: nowMs });
  return changes;
}
