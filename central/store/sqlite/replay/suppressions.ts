/** The list of erased vehicles, as an append asks for it: nearly always it is empty, and that costs one statement. */
import type Database from "better-sqlite3";
import { vehicleOf } from "../../../ledger/vehicle.ts";
import type { AsideRow } from "../../outcome.ts";

export class Suppressions {
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      any: database.prepare<[], number>("select 1 from suppression limit 1").pluck(),
      has: database.prepare<[string], number>("select 1 from suppression where vehicle = ?").pluck(),
      withheld: database.prepare("update suppression set withheld = withheld + ? where vehicle = ?"),
    };
  }

  any(): boolean {
    return this.sql.any.get() !== undefined;
  }

  has(vehicle: string): boolean {
    return this.sql.has.get(vehicle) !== undefined;
  }

  /** Of an erased vehicle no bytes are kept: that something was refused there is enough. */
  bare(rows: readonly AsideRow[]): readonly AsideRow[] {
    if (rows.length === 0 || !this.any()) return rows;
    return rows.map((row) => {
      const { key, identity, recordTimeMs } = row;
      const isRecord = recordTimeMs !== null;
      if (!isRecord || !this.has(vehicleOf(key ?? undefined, identity ?? undefined))) return row;
      return { ...row, key: null, value: null, identity: null };
    });
  }

  count(withheld: ReadonlyMap<string, number>): void {
    for (const [vehicle, records] of withheld) this.sql.withheld.run(records, vehicle);
  }
}
