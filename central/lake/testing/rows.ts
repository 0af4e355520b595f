import { systemClock } from "../../../shared/clock/clock.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import { noonMs } from "../../testing/records.ts";
import { Batch } from "../batch.ts";
import { readParquet } from "../files/parquet.ts";
import { Table, type TableTools } from "../iceberg/table.ts";
import type { Row } from "../row.ts";

/** The one partition of these tests. */
export const line = { topic: "drive", partition: 0 };

/** Tools of a table that keeps its snapshots. */
export const tableTools: TableTools = { clock: systemClock, random: systemRandom, keepSnapshotsMs: 3_600_000 };

/** The row at an offset is always the same one, so that a test knows what must be there. Two days, 50 vehicles. */
export function rowAt(offset: number, change: Partial<Row> = {}): Row {
  return {
    vehicle: `car-${offset % 50}`,
    stream: "drive",
    eventMs: noonMs + (offset % 2) * 86_400_000 + offset,
    edgeMs: offset % 3 === 0 ? null : noonMs + offset,
    kafkaMs: noonMs + offset,
    ...line,
    offset,
    agent: "gw1",
    epoch: "e1",
    lane: 0,
    seq: offset,
    shedTo: null,
    shedReason: null,
    body: offset % 7 === 0 ? null : Buffer.from(`value ${offset}`),
    ...change,
  };
}

/** A batch that goes on from where the table is. */
export function batchOf(table: Table, rows: readonly Row[]): Batch {
  const batch = new Batch(table.positions(), table.buckets);
  for (const row of rows) batch.put(row);
  batch.moved(line, (rows.at(-1)?.offset ?? -1) + 1, rows.length);
  return batch;
}

/** Commits rows as the writer does. */
export function append(table: Table, rows: readonly Row[], without: ReadonlySet<string> = new Set()): void {
  const batch = batchOf(table, rows);
  table.commit({ operation: "append", add: batch.byCell(without), positions: batch.positions });
}

/** Rows of offsets from the first, so many. */
export function rowsFrom(first: number, count: number): Row[] {
  return Array.from({ length: count }, (_, index) => rowAt(first + index));
}

/** All that is in the table, by offset. */
export async function rowsOf(table: Table): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { path } of table.dataFiles()) rows.push(...(await readParquet(table.files.path(path))));
  return rows.sort((a, b) => a.offset - b.offset);
}

/** A small table. */
export function openTable(folder: string, tools: Partial<TableTools> = {}): Table {
  return Table.open(folder, 2, { ...tableTools, ...tools });
}
