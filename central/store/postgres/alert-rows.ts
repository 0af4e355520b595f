/** How alerts stand in the table, and what readers ask of them. */
import type { SQL } from "bun";
import type { AlertRow } from "../../rules/alert-row.ts";
import type { AlertQuery, RulesSums } from "../rules-port.ts";
import { bytes, textOf } from "./values.ts";

/** A row as it is read. */
export type StoredAlert = Omit<
  AlertRow,
  "group" | "rule" | "vehicle" | "stream" | "resolvedMs" | "resolvedBy" | "value" | "labels" | "annotations" | "event"
> & {
  readonly group: Buffer;
  readonly rule: Buffer;
  readonly vehicle: Buffer;
  readonly stream: Buffer;
  readonly resolvedMs: number | null;
  readonly resolvedBy: NonNullable<AlertRow["resolvedBy"]> | null;
  readonly value: Buffer | null;
  readonly labels: Buffer;
  readonly annotations: Buffer;
  readonly event: Buffer;
};

/** Its columns. */
export function alertColumns(sql: SQL) {
  return sql`number::float8 as number, id, grp as "group", rule, kind, vehicle, stream, state, since::float8 as "sinceMs",
    fired::float8 as "firedMs", resolved::float8 as "resolvedMs", resolved_by as "resolvedBy", stored_at::float8 as "storedMs",
    value, labels, annotations, event`;
}

/** As everybody else knows it. */
export function rowOfAlert(row: StoredAlert): AlertRow {
  return {
    ...row,
    group: textOf(row.group),
    rule: textOf(row.rule),
    vehicle: textOf(row.vehicle),
    stream: textOf(row.stream),
    event: textOf(row.event),
    resolvedMs: row.resolvedMs ?? undefined,
    resolvedBy: row.resolvedBy ?? undefined,
    value: row.value === null ? undefined : textOf(row.value),
    labels: JSON.parse(textOf(row.labels)),
    annotations: JSON.parse(textOf(row.annotations)),
  };
}

/** A page of them, the newest first. */
export async function readAlerts(sql: SQL, query: AlertQuery): Promise<AlertRow[]> {
  const { vehicle, rule, state, before = Number.MAX_SAFE_INTEGER, limit } = query;
  const rows = await sql<StoredAlert[]>`
    select ${alertColumns(sql)} from alert where number < ${before}::bigint
      ${vehicle === undefined ? sql`` : sql`and vehicle = ${bytes(vehicle)}`}
      ${rule === undefined ? sql`` : sql`and rule = ${bytes(rule)}`}
      ${state === undefined ? sql`` : sql`and state = ${state}`}
    order by number desc limit ${limit}`;
  return rows.map(rowOfAlert);
}

/** Sums of what is kept. */
export async function readRulesSums(sql: SQL): Promise<RulesSums> {
  const [counts] = await sql<{ vehicles: number; undelivered: number }[]>`
    select (select count(*) from rule_state)::float8 as vehicles, (select count(*) from alert_delivery)::float8 as undelivered`;
  const rules = await sql<{ rule: Buffer; alerts: number; firing: number }[]>`
    select s.rule, s.alerts::float8 as alerts,
      (select count(*) from alert a where a.rule = s.rule and a.state = 'firing')::float8 as firing
    from alert_sum s order by s.rule`;
  return {
    vehicles: counts?.vehicles ?? 0,
    undelivered: counts?.undelivered ?? 0,
    rules: rules.map(({ rule, ...sums }) => ({ rule: textOf(rule), ...sums })),
  };
}
