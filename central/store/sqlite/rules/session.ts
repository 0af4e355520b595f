/** Rules in the store's transactions: loads what is kept of vehicles, runs the step, writes what it says. Decides nothing. */
import type Database from "better-sqlite3";
import { invariant } from "../../../../shared/errors/invariant.ts";
import type { Report } from "../../../../shared/telemetry/log.ts";
import type { Plan } from "../../../ledger/plan.ts";
import { partitionName } from "../../../records/partition.ts";
import { alertBody } from "../../../rules/alert-body.ts";
import { type FedFrom, fedEvents } from "../../../rules/feed.ts";
import type { RaisedAlert, RulesOutcome, VehicleRow } from "../../../rules/outcome.ts";
import { type AlertColumns, alertOf } from "../../alert-columns.ts";
import {
  type AlertDelivery,
  type DeliveryTarget,
  deliveriesMax,
  type RulesTools,
  type TickLine,
} from "../../rules-port.ts";
import { deliveriesDropped, vehiclesDropped } from "../../telemetry.ts";
import type { AlertRetention } from "./alert-retention.ts";
import { alertColumns } from "./alert-rows.ts";

interface StatePlace {
  readonly id: number;
  readonly line: string;
  readonly hour: number;
  readonly deadline: number | null;
}

const hourMs = 3_600_000;
/** Vehicles whose deadline is over that one transaction looks at. */
const dueMax = 1_000;

export class RulesSession {
  private readonly sql;
  private vehicles: number | undefined;
  private cleaned = false;

  constructor(
    database: Database.Database,
    private readonly tools: RulesTools & {
      readonly report: Report;
      readonly counters: { vehiclesDropped: number; deliveriesDropped: number };
      readonly retention: AlertRetention;
    },
  ) {
    this.sql = {
      clock: database.prepare<[string], number>("select clock from rule_line where line = ?").pluck(),
      putClock: database.prepare(
        "insert into rule_line (line, clock) values (?, ?) on conflict (line) do update set clock = max(clock, excluded.clock)",
      ),
      state: database.prepare<[string], StatePlace & { readonly state: string }>(
        "select id, line, hour, deadline, state from rule_state where vehicle = ?",
      ),
      insertState: database.prepare(
        "insert into rule_state (vehicle, line, hour, deadline, state) values (?, ?, ?, ?, ?)",
      ),
      updateAll: database.prepare("update rule_state set line = ?, hour = ?, deadline = ?, state = ? where id = ?"),
      updateState: database.prepare("update rule_state set state = ? where id = ?"),
      due: database
        .prepare<[string, number, number], string>(
          "select vehicle from rule_state where line = ? and deadline <= ? order by deadline limit ?",
        )
        .pluck(),
      count: database.prepare<[], number>("select count(*) from rule_state").pluck(),
      dropOldest: database.prepare(
        "delete from rule_state where id in (select id from rule_state order by hour limit ?)",
      ),
      insertAlert: database.prepare<Record<string, string | number | null>>(
        `insert into alert (id, grp, rule, print, kind, vehicle, stream, state, since, fired, stored_at, value, labels, annotations, event)
         values (:id, :grp, :rule, :print, :kind, :vehicle, :stream, :state, :since, :fired, :now, :value, :labels, :annotations, :event)
         on conflict (id) do nothing`,
      ),
      countAlert: database.prepare(
        "insert into alert_sum (rule, alerts) values (?, 1) on conflict (rule) do update set alerts = alerts + 1",
      ),
      resolve: database.prepare(
        "update alert set state = 'resolved', resolved = ?, resolved_by = ? where id = ? and state = 'firing'",
      ),
      reopen: database.prepare(
        "update alert set state = 'firing', resolved = null, resolved_by = null where id = ? and state = 'resolved'",
      ),
      alert: database.prepare<[string], AlertColumns>(`select ${alertColumns} from alert where id = ?`),
      firing: database.prepare<[], { id: string; rule: string; print: string }>(
        "select id, rule, print from alert where state = 'firing'",
      ),
      deliver: database.prepare("insert into alert_delivery (target, key, vehicle, body) values (?, ?, ?, ?)"),
      deliverySpan: database.prepare<[], { first: number | null; last: number | null }>(
        "select min(id) as first, max(id) as last from alert_delivery",
      ),
      dropDeliveries: database.prepare("delete from alert_delivery where id <= ?"),
      take: database.prepare<{ target: string; now: number; until: number; limit: number }, AlertDelivery>(
        `update alert_delivery set not_before = :until, attempts = attempts + 1 where id in
           (select id from alert_delivery where target = :target and not_before <= :now order by not_before, id limit :limit)
         returning id, target, key, vehicle, body, attempts`,
      ),
      hasDelivery: database.prepare<[string, number], number>(
        "select id from alert_delivery where target = ? and not_before <= ? limit 1",
      ),
      delivered: database.prepare("delete from alert_delivery where id in (select value from json_each(?))"),
      postpone: database.prepare(
        "update alert_delivery set not_before = ? where id in (select value from json_each(?))",
      ),
    };
  }

  /** The new events of an append, in its transaction. */
  append(plan: Plan, from: FedFrom): void {
    const { step } = this.tools;
    this.resolveWithoutRule(from.nowMs);
    const events = fedEvents(plan, from, (stream) => step.looksAt(stream));
    if (events.length === 0) return;
    const line = partitionName(from);
    const rows = new Map<string, StatePlace>();
    const outcome = step.run({
      nowMs: from.nowMs,
      clockMs: this.sql.clock.get(line) ?? 0,
      events,
      load: (vehicle) => this.load(vehicle, rows),
    });
    this.write(outcome, { line, rows, nowMs: from.nowMs });
    const touched = new Set(outcome.states.map(({ vehicle }) => vehicle));
    this.passDue(line, outcome.clockMs, { nowMs: from.nowMs, touched });
  }

  /** Whether there is something to do, without a write. */
  isDue(lines: readonly TickLine[], nowMs: number): boolean {
    if (!this.cleaned || this.tools.retention.isDue(nowMs)) return true;
    return lines.some(({ line, clockMs }) => this.sql.due.get(line, clockMs, 1) !== undefined);
  }

  tick(lines: readonly TickLine[], nowMs: number): void {
    this.resolveWithoutRule(nowMs);
    this.tools.retention.drop(nowMs);
    for (const { line, clockMs } of lines) this.passDue(line, clockMs, { nowMs, touched: new Set() });
  }

  take(target: DeliveryTarget, limit: number, { nowMs, untilMs }: { nowMs: number; untilMs: number }): AlertDelivery[] {
    return this.sql.take.all({ target, now: nowMs, until: untilMs, limit }).sort((a, b) => a.id - b.id);
  }

  hasDelivery(target: DeliveryTarget, nowMs: number): boolean {
    return this.sql.hasDelivery.get(target, nowMs) !== undefined;
  }

  delivered(ids: readonly number[]): void {
    this.sql.delivered.run(JSON.stringify(ids));
  }

  postpone(ids: readonly number[], notBeforeMs: number): void {
    this.sql.postpone.run(notBeforeMs, JSON.stringify(ids));
  }

  /** The transaction was rolled back. */
  forget(): void {
    this.vehicles = undefined;
    this.cleaned = false;
  }

  private load(vehicle: string, rows: Map<string, StatePlace>): string | undefined {
    const row = this.sql.state.get(vehicle);
    if (row === undefined) return undefined;
    const { state, ...place } = row;
    rows.set(vehicle, place);
    return state;
  }

  private passDue(line: string, clockMs: number, { nowMs, touched }: { nowMs: number; touched: ReadonlySet<string> }) {
    const due = this.sql.due.all(line, clockMs, dueMax).filter((vehicle) => !touched.has(vehicle));
    if (due.length === 0) return;
    const rows = new Map<string, StatePlace>();
    const outcome = this.tools.step.pass(due, { clockMs, load: (vehicle) => this.load(vehicle, rows) });
    this.write(outcome, { line, rows, nowMs });
  }

  private write(
    { clockMs, states, alerts }: RulesOutcome,
    { line, rows, nowMs }: { line: string; rows: ReadonlyMap<string, StatePlace>; nowMs: number },
  ): void {
    this.sql.putClock.run(line, clockMs);
    for (const row of states) this.writeState(row, rows.get(row.vehicle), { line, clockMs });
    for (const change of alerts) {
      if (change.kind === "raised") this.raise(change, nowMs);
      else if (change.kind === "reopened")
        this.tell(this.sql.reopen.run(change.id).changes, change.id, `reopened:${nowMs}`);
      else {
        const { id, atMs, by } = change;
        this.tell(this.sql.resolve.run(atMs, by, id).changes, id, `resolved:${atMs}`);
      }
    }
    this.dropVehicles();
    if (alerts.length > 0) this.dropDeliveries();
  }

  /**
   * A deadline that is kept may be earlier than the true one, so that it is written once in a while and not with each
   * event: when it is over, the vehicle is looked at, and nothing is found to do.
   */
  private writeState(
    { vehicle, state, deadlineMs = null }: Omit<VehicleRow, "deadlineMs"> & { deadlineMs?: number | null | undefined },
    before: StatePlace | undefined,
    { line, clockMs }: { line: string; clockMs: number },
  ): void {
    const hour = Math.floor(clockMs / hourMs);
    if (before === undefined) {
      this.sql.insertState.run(vehicle, line, hour, deadlineMs, state);
      if (this.vehicles !== undefined) this.vehicles++;
      return;
    }
    const { deadline, id } = before;
    const stays =
      deadline === null ? deadlineMs === null : deadlineMs !== null && deadline > clockMs && deadline <= deadlineMs;
    if (stays && before.line === line && before.hour === hour) this.sql.updateState.run(state, id);
    else this.sql.updateAll.run(line, hour, deadlineMs, state, id);
  }

  private raise(alert: RaisedAlert, nowMs: number): void {
    const { changes } = this.sql.insertAlert.run({
      id: alert.id,
      grp: alert.group,
      rule: alert.rule,
      print: alert.print,
      kind: alert.condition,
      vehicle: alert.vehicle,
      stream: alert.stream,
      state: alert.state,
      since: alert.sinceMs,
      fired: alert.firedMs,
      now: nowMs,
      value: alert.value ?? null,
      labels: JSON.stringify(alert.labels),
      annotations: JSON.stringify(alert.annotations),
      event: alert.event,
    });
    if (changes > 0) this.sql.countAlert.run(alert.rule);
    this.tell(changes, alert.id, undefined);
  }

  private tell(changes: number, id: string, what: string | undefined): void {
    if (changes === 0 || this.tools.targets.length === 0) return;
    const row = this.sql.alert.get(id);
    invariant(row !== undefined, "an alert that was changed is there");
    const body = JSON.stringify(alertBody(alertOf(row)));
    // What becomes of an alert may happen to it again: its time keeps the keys apart.
    const key = what === undefined ? id : `${id}:${what}`;
    for (const target of this.tools.targets) this.sql.deliver.run(target, key, row.vehicle, body);
  }

  /** Alerts of a rule that is no more, or means something else now: nothing would ever resolve them. */
  private resolveWithoutRule(nowMs: number): void {
    if (this.cleaned) return;
    this.cleaned = true;
    const prints = new Map(this.tools.step.set.rules.map(({ name, print }) => [name, print]));
    for (const { id, rule, print } of this.sql.firing.all()) {
      if (prints.get(rule) === print) continue;
      this.tell(this.sql.resolve.run(nowMs, "rule", id).changes, id, `resolved:${nowMs}`);
    }
  }

  private dropVehicles(): void {
    this.vehicles ??= this.sql.count.get() ?? 0;
    const over = this.vehicles - this.tools.step.set.vehiclesMax;
    if (over <= 0) return;
    const { changes } = this.sql.dropOldest.run(over);
    this.vehicles -= changes;
    this.tools.counters.vehiclesDropped += changes;
    this.tools.report(vehiclesDropped, { dropped: changes, vehiclesMax: this.tools.step.set.vehiclesMax });
  }

  private dropDeliveries(): void {
    const { first, last } = this.sql.deliverySpan.get() ?? { first: null, last: null };
    if (first === null || last === null || last - first < deliveriesMax) return;
    const { changes } = this.sql.dropDeliveries.run(last - deliveriesMax);
    if (changes === 0) return;
    this.tools.counters.deliveriesDropped += changes;
    this.tools.report(deliveriesDropped, { dropped: changes, deliveriesMax });
  }
}
