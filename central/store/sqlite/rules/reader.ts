import type Database from "better-sqlite3";
import type { AlertRow } from "../../../rules/alert-row.ts";
import { type AlertColumns, alertOf } from "../../alert-columns.ts";
import type { AlertQuery, RulesReader, RulesSums } from "../../rules-port.ts";
import { alertColumns } from "./alert-rows.ts";

/** How a reader lends its connection, inside a read transaction. */
export type ReadRoom = <T>(doing: string, work: (database: Database.Database) => T) => Promise<T>;

/** Alerts, read from the tables. Its statements are made when they are asked for: few ask, and not often. */
export class SqliteRulesReader implements RulesReader {
  constructor(private readonly read: ReadRoom) {}

  alerts({ vehicle, rule, state, before, limit }: AlertQuery): Promise<readonly AlertRow[]> {
    const wanted: Readonly<Record<string, string | number | undefined>> = {
      "vehicle = ?": vehicle,
      "rule = ?": rule,
      "state = ?": state,
      "number < ?": before,
    };
    const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
    const where = given.length === 0 ? "" : `where ${given.map(([text]) => text).join(" and ")}`;
    return this.read("read alerts", (database) =>
      database
        .prepare<unknown[], AlertColumns>(`select ${alertColumns} from alert ${where} order by number desc limit ?`)
        .all(...given.map(([, value]) => value), limit)
        .map(alertOf),
    );
  }

  sums(): Promise<RulesSums> {
    return this.read("sum up alerts", (database) => {
      const number = (sql: string) => Number(database.prepare(sql).pluck().get());
      return {
        vehicles: number("select count(*) from rule_state"),
        undelivered: number("select count(*) from alert_delivery"),
        rules: database
          .prepare<[], RulesSums["rules"][number]>(
            `select rule, alerts, (select count(*) from alert a where a.rule = s.rule and state = 'firing') as firing
             from alert_sum s order by rule`,
          )
          .all(),
      };
    });
  }
}
