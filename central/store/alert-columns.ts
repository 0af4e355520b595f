/** How an alert stands in a table: its parts that are no columns are texts, the same in every store. */
import type { AlertRow } from "../rules/alert-row.ts";

/** A row, its texts decoded. */
export type AlertColumns = Omit<AlertRow, "resolvedMs" | "resolvedBy" | "value" | "labels" | "annotations"> & {
  readonly resolvedMs: number | null;
  readonly resolvedBy: NonNullable<AlertRow["resolvedBy"]> | null;
  readonly value: string | null;
  readonly labels: string;
  readonly annotations: string;
};

/** As everybody else knows it. */
export function alertOf({ labels, annotations, resolvedMs, resolvedBy, value, ...row }: AlertColumns): AlertRow {
  return {
    ...row,
    resolvedMs: resolvedMs ?? undefined,
    resolvedBy: resolvedBy ?? undefined,
    value: value ?? undefined,
    labels: JSON.parse(labels),
    annotations: JSON.parse(annotations),
  };
}
