import type { BenchCase, Target } from "../cases/case.ts";
import { type Spread, spreadOf } from "../meters/statistics.ts";
import { type ColumnName, columns, isColumn } from "./columns.ts";
import type { CaseResult } from "./results.ts";

/** All runs of one subject and variant. */
export interface Row {
  readonly subject: string;
  readonly variant: string;
  readonly numbers: ReadonlyMap<ColumnName, Spread>;
}

/** A target beside what was measured. */
export interface Check {
  readonly target: Target;
  readonly measured: Spread;
  readonly held: boolean;
}

/** Puts runs together by subject and variant, in the order in which they first came. */
export function summarize(result: CaseResult): readonly Row[] {
  const groups = new Map<string, { subject: string; variant: string; values: Map<ColumnName, number[]> }>();
  for (const { subject, variant, metrics } of result.samples) {
    const key = JSON.stringify([subject, variant]);
    const group = groups.get(key) ?? { subject, variant, values: new Map<ColumnName, number[]>() };
    groups.set(key, group);
    for (const [name, value] of Object.entries(metrics)) {
      if (!isColumn(name)) continue;
      group.values.set(name, [...(group.values.get(name) ?? []), value]);
    }
  }
  return [...groups.values()].map(({ subject, variant, values }) => ({
    subject,
    variant,
    numbers: new Map([...values].map(([name, all]) => [name, spreadOf(all)])),
  }));
}

/** The columns that at least one row has a number for. */
export function usedColumns(benchCase: BenchCase, rows: readonly Row[]): readonly ColumnName[] {
  return benchCase.columns.filter((name) => rows.some(({ numbers }) => numbers.has(name)));
}

/**
 * Targets against ours: the median counts, save for what must never happen (lost, repeated, out of order, altered),
 * where the worst run does. A target without a measurement is not there.
 */
export function checkTargets(benchCase: BenchCase, rows: readonly Row[], ours: string): readonly Check[] {
  return benchCase.targets.flatMap((target) => {
    const row = rows.find(({ subject, variant }) => subject === ours && variant === target.variant);
    const measured = row?.numbers.get(target.column);
    if (measured === undefined) return [];
    const value = countsWorst.has(target.column) ? measured.max : measured.median;
    const held = value <= (target.atMost ?? Infinity) && value >= (target.atLeast ?? -Infinity);
    return [{ target, measured, held }];
  });
}

const countsWorst: ReadonlySet<ColumnName> = new Set<ColumnName>(["lost", "repeated", "altered", "disordered"]);

/** How many times our first row's figure each peer takes, for costs (CPU, memory, disk, time); undefined without ours. */
export function costRatio(rows: readonly Row[], row: Row, column: ColumnName, ours: string): number | undefined {
  const own = rows.find(({ subject, numbers }) => subject === ours && numbers.has(column))?.numbers.get(column);
  const other = row.numbers.get(column);
  if (own === undefined || other === undefined || own.median === 0 || row.subject === ours) return undefined;
  return other.median / own.median;
}

/** The column by which peers are compared: the first of the case that is a cost in CPU. */
export function comparedColumn(benchCase: BenchCase): ColumnName | undefined {
  return benchCase.columns.find((name) => columns[name].title.includes("CPU"));
}
