/** The writer's door for rules, and deliveries of alerts: taken by one instance at a time. */
import type { SQL } from "bun";
import type { AlertDelivery, DeliveryTarget, RulesTools, RulesWork, TickLine } from "../../rules-port.ts";
import { int8s, textOf } from "../values.ts";
import type { RulesWriter } from "./rules.ts";

/** A transaction of the store, with its clock. */
export type RulesRoom = <T>(doing: string, work: (sql: SQL, nowMs: number) => Promise<T>) => Promise<T>;

type DeliveryRow = Omit<AlertDelivery, "vehicle" | "body"> & { readonly vehicle: Buffer; readonly body: Buffer };

export class PostgresRulesWork implements RulesWork {
  constructor(
    readonly tools: RulesTools,
    readonly writer: RulesWriter,
    readonly counters: { vehiclesDropped: number; deliveriesDropped: number },
    private readonly room: RulesRoom,
  ) {}

  async tick(lines: readonly TickLine[]): Promise<void> {
    await this.room("let time pass for rules", (sql, nowMs) => this.writer.tick(sql, lines, nowMs));
  }

  async take(target: DeliveryTarget, limit: number, leaseMs: number): Promise<readonly AlertDelivery[]> {
    return await this.room("take alerts to deliver", async (sql, nowMs) => {
      const rows = await sql<DeliveryRow[]>`
        update alert_delivery set not_before = ${nowMs + leaseMs}, attempts = attempts + 1 where id in
          (select id from alert_delivery where target = ${target} and not_before <= ${nowMs} order by not_before, id limit ${limit}
            for update skip locked)
        returning id::float8 as id, target, key, vehicle, body, attempts`;
      return rows
        .map(({ vehicle, body, ...row }) => ({ ...row, vehicle: textOf(vehicle), body: textOf(body) }))
        .sort((a, b) => a.id - b.id);
    });
  }

  async delivered(ids: readonly number[]): Promise<void> {
    await this.room("mark alerts as delivered", async (sql) => {
      await sql`delete from alert_delivery where id = any(${int8s(sql, ids)})`;
    });
  }

  async postpone(ids: readonly number[], afterMs: number): Promise<void> {
    await this.room("postpone alerts", async (sql, nowMs) => {
      await sql`update alert_delivery set not_before = ${nowMs + afterMs} where id = any(${int8s(sql, ids)})`;
    });
  }
}
