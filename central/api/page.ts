/**
 * How much one answer may hold. A page ends at `limit` rows, or earlier at some 4 MiB: a row of a megabyte times a limit of
 * ten thousand would be more than the machine has. One row is always given, so that every page goes on.
 */

/** Bytes of values and names a page, as they are stored; the row that passes it is the last one. */
export const pageBytesMax = 4 * 1024 * 1024;

/** A page, and whether there are rows after it. */
export interface CutPage<Row> {
  readonly rows: readonly Row[];
  readonly more: boolean;
}

/** Cuts a page out of rows that were read one further than `limit` or the bytes allow. */
export function cutPage<Row>(found: readonly Row[], limit: number, bytesOf: (row: Row) => number): CutPage<Row> {
  let bytes = 0;
  let count = 0;
  for (const row of found) {
    if (count === limit || bytes >= pageBytesMax) break;
    bytes += bytesOf(row);
    count++;
  }
  return { rows: found.slice(0, count), more: found.length > count };
}

/** Of a value that may be missing. */
export function bytesOf(...values: readonly (Buffer | string | null | undefined)[]): number {
  return values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
}
