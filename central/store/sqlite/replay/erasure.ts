/**
 * Removes a vehicle. First it is on the suppression list, so that nothing of it is stored again; then what there is of it goes,
 * a bounded part a transaction. The lanes' ranges stay: the numbers were received, and the books go on adding up.
 *
 * Whoever adds a table with a vehicle in it adds its `delete` here.
 */
import type Database from "better-sqlite3";
import { vehicleOf } from "../../../ledger/vehicle.ts";
import type { ErasureStep, Suppression } from "../../replay-port.ts";
import { secureDelete } from "../open.ts";
import { FreePages } from "./free-pages.ts";

/** Chunks, or rows, a transaction: each chunk is some 10 KiB that is overwritten. */
const chunksPerStep = 200;
const rowsPerStep = 10_000;

/** How far an erasure is (`suppression.erased`): rows are removed; free pages are overwritten; nothing is left. */
const phases = { rows: 0, pages: 2, done: 1 } as const;

interface LetterRow {
  readonly id: number;
  readonly source: number;
  readonly key: Buffer | null;
  readonly identity: string | null;
  readonly bytes: number;
}

export class Erasure {
  private readonly sql;
  private readonly freePages: FreePages;

  constructor(private readonly database: Database.Database) {
    this.freePages = new FreePages(database);
    this.sql = {
      suppress: database.prepare(
        `insert into suppression (vehicle, at, by) values (?, ?, ?)
           on conflict do update set erased = ${phases.rows} where erased = ${phases.done}`,
      ),
      unfinished: database.prepare<[], { vehicle: string; by: string }>(
        `select vehicle, by from suppression where erased <> ${phases.done}`,
      ),
      phase: database.prepare<[string], number>("select erased from suppression where vehicle = ?").pluck(),
      unsuppress: database.prepare("delete from suppression where vehicle = ?"),
      // Out of every list at once, before its rows are gone.
      hide: database.prepare("update series set last_time = null, last_value = null where vehicle = ?"),
      chunks: database
        .prepare<[string, number], number>(
          `delete from chunk where id in (select c.id from series s join chunk c on c.series = s.id
             where s.vehicle = ? limit ?) returning events`,
        )
        .pluck(),
      recent: database.prepare(
        `delete from recent where id in (select r.id from series s join recent r on r.series = s.id
           where s.vehicle = ? limit ?)`,
      ),
      series: database.prepare("delete from series where vehicle = ?"),
      ruleState: database.prepare("delete from rule_state where vehicle = ?"),
      deliveries: database.prepare("delete from alert_delivery where vehicle = ?"),
      alerts: database.prepare("delete from alert where vehicle = ?"),
      conflicts: database.prepare("delete from conflict where vehicle = ?"),
      letters: database.prepare<[], LetterRow>(
        `select id, source, key, identity,
           coalesce(length(key), 0) + coalesce(length(value), 0) + coalesce(length(identity), 0) as bytes
         from dead_letter where key is not null or identity is not null`,
      ),
      // The row says that something was refused there, and no more.
      emptyLetter: database.prepare("update dead_letter set key = null, value = null, identity = null where id = ?"),
      fewerBytes: database.prepare("update source set dead_bytes = max(0, dead_bytes - ?) where id = ?"),
      count: database.prepare("update suppression set events = events + ?, erased = ? where vehicle = ?"),
    };
  }

  step(vehicle: string, by: string, nowMs: number): ErasureStep {
    this.sql.suppress.run(vehicle, nowMs, by);
    this.sql.hide.run(vehicle);
    const events =
      this.sql.chunks.all(vehicle, chunksPerStep).reduce((sum, count) => sum + count, 0) +
      this.sql.recent.run(vehicle, rowsPerStep).changes;
    if (events > 0) {
      this.sql.count.run(events, phases.rows, vehicle);
      return { events, deadLetters: 0, conflicts: 0, done: false };
    }
    if (this.sql.phase.get(vehicle) === phases.pages) {
      const done = !this.freePages.step();
      if (done) this.sql.count.run(0, phases.done, vehicle);
      return { events, deadLetters: 0, conflicts: 0, done };
    }
    const deadLetters = this.emptyLetters(vehicle);
    const conflicts = this.sql.conflicts.run(vehicle).changes;
    // What rules have said of it goes too. `alert_sum` goes on counting what was said, of whomever.
    for (const rows of [this.sql.ruleState, this.sql.deliveries, this.sql.alerts]) rows.run(vehicle);
    this.sql.series.run(vehicle);
    // Nothing of it is in a table any more: now where it stood before.
    this.freePages.begin();
    this.sql.count.run(0, phases.pages, vehicle);
    return { events, deadLetters, conflicts, done: false };
  }

  unfinished(): { vehicle: string; by: string }[] {
    return this.sql.unfinished.all();
  }

  unsuppress(vehicle: string): boolean {
    return this.sql.unsuppress.run(vehicle).changes > 0;
  }

  private emptyLetters(vehicle: string): number {
    const found: LetterRow[] = [];
    for (const row of this.sql.letters.iterate()) {
      if (vehicleOf(row.key ?? undefined, row.identity ?? undefined) === vehicle) found.push({ ...row, key: null });
    }
    for (const { id, source, bytes } of found) {
      this.sql.emptyLetter.run(id);
      this.sql.fewerBytes.run(bytes, source);
    }
    return found.length;
  }

  /** What is deleted is overwritten, not only unlinked: until the next file is written over it, it could be read. */
  overwriting<T>(work: () => T): T {
    this.database.pragma("secure_delete = on");
    try {
      return work();
    } finally {
      this.database.pragma(secureDelete);
    }
  }
}

/** The list, on a reader's connection. */
export function readSuppressions(database: Database.Database): (after: string, limit: number) => Suppression[] {
  const rows = database.prepare<[string, number], Suppression>(
    "select vehicle, at as atMs, by, events, withheld from suppression where vehicle > ? order by vehicle limit ?",
  );
  return (after, limit) => rows.all(after, limit);
}
