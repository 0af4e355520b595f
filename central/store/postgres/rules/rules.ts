/**
 * Rules in the store's transactions: loads what is kept of vehicles, runs the step, writes what it says. Decides nothing.
 *
 * The line's row is locked first, then its vehicles in the order of their names. A vehicle may come by several lines: who is
 * second finds what the first has kept. Where a vehicle that was to be new is not, another one was faster: `Raced`.
 */
import type { SQL } from "bun";
import { invariant } from "../../../../shared/errors/invariant.ts";
import type { Report } from "../../../../shared/telemetry/log.ts";
import type { Plan } from "../../../ledger/plan.ts";
import { partitionName } from "../../../records/partition.ts";
import { alertBody } from "../../../rules/alert-body.ts";
import { type FedFrom, fedEvents } from "../../../rules/feed.ts";
import type { RaisedAlert, RulesOutcome } from "../../../rules/outcome.ts";
import { deliveriesMax, type RulesTools, type TickLine } from "../../rules-port.ts";
import { deliveriesDropped, vehiclesDropped } from "../../telemetry.ts";
import { bytes, bytesOrNull } from "../values.ts";
import type { AlertExpiry } from "./alert-expiry.ts";
import { alertColumns, rowOfAlert, type StoredAlert } from "./alert-rows.ts";
import { loadStates, lockDue, lockLine, type StatePlace, writeStates } from "./states.ts";

/** How many vehicles there are is asked again after this: other instances add some too. */
const countEveryMs = 60_000;

/** What the writer of a store's rules stands on. */
export interface RulesWriterTools extends RulesTools {
  readonly report: Report;
  readonly counters: { vehiclesDropped: number; deliveriesDropped: number };
  readonly retention: AlertExpiry;
}

export class RulesWriter {
  private vehicles: { count: number; readonly askedMs: number } | undefined;
  private cleaned = false;

  constructor(private readonly tools: RulesWriterTools) {}

  /** The new events of an append, in its transaction. */
  async append(sql: SQL, plan: Plan, from: FedFrom): Promise<void> {
    const { step } = this.tools;
    await this.resolveWithoutRule(sql, from.nowMs);
    const events = fedEvents(plan, from, (stream) => step.looksAt(stream));
    if (events.length === 0) return;
    const line = partitionName(from);
    const before = await lockLine(sql, line);
    const named = new Set(events.map(({ vehicle }) => vehicle));
    const rows = await loadStates(sql, [...named]);
    const load = (vehicle: string) => rows.get(vehicle)?.state;
    const outcome = step.run({ nowMs: from.nowMs, clockMs: before, events, load });
    await this.write(sql, outcome, { line, rows, nowMs: from.nowMs });
    await this.passDue(sql, line, outcome.clockMs, { nowMs: from.nowMs, touched: named });
  }

  /** Time has passed on these lines. */
  async tick(sql: SQL, lines: readonly TickLine[], nowMs: number): Promise<void> {
    await this.resolveWithoutRule(sql, nowMs);
    await this.tools.retention.drop(sql, nowMs);
    for (const { line, clockMs } of lines) await this.passDue(sql, line, clockMs, { nowMs, touched: new Set() });
  }

  /** The transaction was rolled back. */
  forget(): void {
    this.vehicles = undefined;
    this.cleaned = false;
  }

  private async passDue(
    sql: SQL,
    line: string,
    clockMs: number,
    { nowMs, touched }: { readonly nowMs: number; readonly touched: ReadonlySet<string> },
  ): Promise<void> {
    const rows = await lockDue(sql, line, clockMs);
    const due = [...rows.keys()].filter((vehicle) => !touched.has(vehicle));
    if (due.length === 0) return;
    const outcome = this.tools.step.pass(due, { clockMs, load: (vehicle) => rows.get(vehicle)?.state });
    await this.write(sql, outcome, { line, rows, nowMs });
  }

  private async write(
    sql: SQL,
    { clockMs, states, alerts }: RulesOutcome,
    {
      line,
      rows,
      nowMs,
    }: { readonly line: string; readonly rows: ReadonlyMap<string, StatePlace>; readonly nowMs: number },
  ): Promise<void> {
    await sql`
      insert into rule_line as l (line, clock) values (${bytes(line)}, ${clockMs})
      on conflict (line) do update set clock = greatest(l.clock, excluded.clock)`;
    const added = await writeStates(sql, states, rows, { line, clockMs });
    if (this.vehicles !== undefined) this.vehicles.count += added;
    for (const change of alerts) {
      if (change.kind === "raised") await this.raise(sql, change, nowMs);
      else if (change.kind === "reopened") {
        const { count } = await sql`
          update alert set state = 'firing', resolved = null, resolved_by = null where id = ${change.id} and state = 'resolved'`;
        await this.tell(sql, count, change.id, `reopened:${nowMs}`);
      } else await this.resolve(sql, change.id, change.atMs, change.by);
    }
    await this.dropVehicles(sql, nowMs);
    if (alerts.length > 0) await this.dropDeliveries(sql);
  }

  private async raise(sql: SQL, alert: RaisedAlert, nowMs: number): Promise<void> {
    const { count } = await sql`
      insert into alert (id, grp, rule, print, kind, vehicle, stream, state, since, fired, stored_at, value, labels, annotations, event)
      values (${alert.id}, ${bytes(alert.group)}, ${bytes(alert.rule)}, ${alert.print}, ${alert.condition}, ${bytes(alert.vehicle)},
        ${bytes(alert.stream)}, ${alert.state}, ${alert.sinceMs}, ${alert.firedMs}, ${nowMs}, ${bytesOrNull(alert.value)},
        ${bytes(JSON.stringify(alert.labels))}, ${bytes(JSON.stringify(alert.annotations))}, ${bytes(alert.event)})
      on conflict (id) do nothing`;
    if (count > 0) {
      await sql`
        insert into alert_sum as s (rule, alerts) values (${bytes(alert.rule)}, 1)
        on conflict (rule) do update set alerts = s.alerts + 1`;
    }
    await this.tell(sql, count, alert.id, undefined);
  }

  private async resolve(sql: SQL, id: string, atMs: number, by: string): Promise<void> {
    const { count } = await sql`
      update alert set state = 'resolved', resolved = ${atMs}, resolved_by = ${by} where id = ${id} and state = 'firing'`;
    await this.tell(sql, count, id, `resolved:${atMs}`);
  }

  private async tell(sql: SQL, changes: number, id: string, what: string | undefined): Promise<void> {
    if (changes === 0 || this.tools.targets.length === 0) return;
    const [row] = await sql<StoredAlert[]>`select ${alertColumns(sql)} from alert where id = ${id}`;
    invariant(row !== undefined, "an alert that was changed is there");
    const body = bytes(JSON.stringify(alertBody(rowOfAlert(row))));
    // What becomes of an alert may happen to it again: its time keeps the keys apart.
    const key = what === undefined ? id : `${id}:${what}`;
    for (const target of this.tools.targets) {
      await sql`insert into alert_delivery (target, key, vehicle, body) values (${target}, ${key}, ${row.vehicle}, ${body})`;
    }
  }

  /** Alerts of a rule that is no more, or means something else now: nothing would ever resolve them. */
  private async resolveWithoutRule(sql: SQL, nowMs: number): Promise<void> {
    if (this.cleaned) return;
    this.cleaned = true;
    const prints = new Map(this.tools.step.set.rules.map(({ name, print }) => [name, print]));
    const firing = await sql<{ id: string; rule: Buffer; print: string }[]>`
      select id, rule, print from alert where state = 'firing' order by number`;
    for (const { id, rule, print } of firing) {
      if (prints.get(rule.toString("utf8")) !== print) await this.resolve(sql, id, nowMs, "rule");
    }
  }

  private async dropVehicles(sql: SQL, nowMs: number): Promise<void> {
    const { vehiclesMax } = this.tools.step.set;
    const fresh = this.vehicles !== undefined && Math.abs(nowMs - this.vehicles.askedMs) < countEveryMs;
    if (fresh && (this.vehicles?.count ?? 0) <= vehiclesMax) return;
    const [row] = await sql<{ count: number }[]>`select count(*)::float8 as count from rule_state`;
    this.vehicles = { count: row?.count ?? 0, askedMs: nowMs };
    const over = this.vehicles.count - vehiclesMax;
    if (over <= 0) return;
    const { count } = await sql`
      delete from rule_state where vehicle in (select vehicle from rule_state order by hour limit ${over} for update skip locked)`;
    this.vehicles.count -= count;
    if (count === 0) return;
    this.tools.counters.vehiclesDropped += count;
    this.tools.report(vehiclesDropped, { dropped: count, vehiclesMax });
  }

  private async dropDeliveries(sql: SQL): Promise<void> {
    const [span] = await sql<{ first: number | null; last: number | null }[]>`
      select min(id)::float8 as first, max(id)::float8 as last from alert_delivery`;
    const { first = null, last = null } = span ?? {};
    if (first === null || last === null || last - first < deliveriesMax) return;
    const { count } = await sql`delete from alert_delivery where id <= ${last - deliveriesMax}`;
    if (count === 0) return;
    this.tools.counters.deliveriesDropped += count;
    this.tools.report(deliveriesDropped, { dropped: count, deliveriesMax });
  }
}
