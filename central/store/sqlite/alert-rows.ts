/** How alerts stand in the table. */
import type { AlertRow } from "../../rules/alert-row.ts";

/** A row as SQLite gives it. */
export type AlertTableRow = Omit<AlertRow, "resolvedMs" | "resolvedBy" | "value" | "labels" | "annotations"> & {
  readonly resolvedMs: number | null;
  readonly resolvedBy: NonNullable<AlertRow["resolvedBy"]> | null;
  readonly value: string | null;
  readonly labels: string;
  readonly annotations: string;
};

/** Its columns. */
export const alertColumns = `number, id, grp as "group", rule, kind, vehicle, stream, state, since as sinceMs, fired as firedMs,
  resolved as resolvedMs, resolved_by as resolvedBy, stored_at as storedMs, value, labels, annotations, event`;

/** As everybody else knows it. */
export function rowOfAlert({ labels, annotations, resolvedMs, resolvedBy, value, ...row }: AlertTableRow): AlertRow {
  return {
    ...row,
    resolvedMs: resolvedMs ?? undefined,
    resolvedBy: resolvedBy ?? undefined,
    value: value ?? undefined,
    labels: JSON.parse(labels),
    annotations: JSON.parse(annotations),
  };
}
