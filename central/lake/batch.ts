/** Rows that are read and not in the table yet, and where reading is with them. Bounded in memory, and in the files of a commit. */
import type { TopicPartition } from "../records/partition.ts";
import { type Cell, cellOf, cellPath } from "./bucket.ts";
import type { CellRows } from "./iceberg/table.ts";
import type { Positions } from "./positions.ts";
import { type Row, rowBytes } from "./row.ts";
import { inOrder } from "./upkeep/compaction.ts";

/** What a batch holds at most, about: one answer of a broker may come on top. */
export const batchMax = {
  rows: 50_000,
  bytes: 64 * 1024 * 1024,
  /** Files of one commit: clocks that jump about would make one of every row. */
  cells: 256,
  /** Records without a row (erased, damaged, rolled back): the position is worth a commit of its own. */
  passed: 1_000_000,
} as const;

export class Batch {
  private readonly cells = new Map<string, { readonly cell: Cell; readonly rows: Row[] }>();
  private bytes = 0;
  private passed = 0;
  rows = 0;

  /** @param positions where the table is; moved as rows are put. */
  constructor(
    readonly positions: Positions,
    private readonly buckets: number,
  ) {}

  put(row: Row): void {
    const cell = cellOf(row, this.buckets);
    const key = cellPath(cell);
    const found = this.cells.get(key) ?? { cell, rows: [] };
    found.rows.push(row);
    this.cells.set(key, found);
    this.bytes += rowBytes(row);
    this.rows++;
  }

  /** All below `next` was read: rows of it were put, or are not wanted. */
  moved(at: TopicPartition, next: number, read: number): void {
    this.positions.move(at, next);
    this.passed += read;
  }

  get isEmpty(): boolean {
    return this.rows === 0;
  }

  get isFull(): boolean {
    const { rows, bytes, cells, passed } = batchMax;
    return this.rows >= rows || this.bytes >= bytes || this.cells.size >= cells || this.passed >= passed;
  }

  /** A file for each cell, without rows of these vehicles. */
  byCell(without: ReadonlySet<string>): CellRows[] {
    return [...this.cells.values()].flatMap(({ cell, rows }) => {
      const left = without.size === 0 ? rows : rows.filter(({ vehicle }) => !without.has(vehicle));
      return left.length === 0 ? [] : [{ cell, rows: inOrder(left) }];
    });
  }
}
