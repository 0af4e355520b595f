/** How alerts stand in the table, and what readers ask of them. */
import type { SQL } from "bun";
import type { AlertRow } from "../../../rules/alert-row.ts";
import { type AlertColumns, alertOf } from "../../alert-columns.ts";
import type { AlertQuery, RulesSums } from "../../rules-port.ts";
import { bytes, textOf } from "../values.ts";

/** A row as it is read: names and texts are bytes. */
export type StoredAlert = Omit<AlertColumns, Texts | "value"> &
  Readonly<Record<Texts, Buffer>> & { readonly value: Buffer | null };
type Texts = "group" | "rule" | "vehicle" | "stream" | "labels" | "annotations" | "event";

/** Its columns. */
export function alertColumns(sql: SQL) {
  return sql`number::float8 as number, id, grp as "group", rule, kind, vehicle, stream, state, since::float8 as "sinceMs",
    fired::float8 as "firedMs", resolved::float8 as "resolvedMs", resolved_by as "resolvedBy", stored_at::float8 as "storedMs",
    value, labels, annotations, event`;
}

/** As everybody else knows it. */
export function rowOfAlert({
  group,
  rule,
  vehicle,
  stream,
  labels,
  annotations,
  event,
  value,
  ...row
}: StoredAlert): AlertRow {
  return alertOf({
    ...row,
    group: textOf(group),
    rule: textOf(rule),
    vehicle: textOf(vehicle),
    stream: textOf(stream),
    labels: textOf(labels),
    annotations: textOf(annotations),
    event: textOf(event),
    value: value === null ? null : textOf(value),
  });
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
