/**
 * Small files of a cell become one. Files are merged with those of about their size, so that a row is written again as often as
 * there are sizes, and not with every commit.
 */
import { cellPath } from "../bucket.ts";
import { readParquet } from "../files/parquet.ts";
import type { DataFile } from "../iceberg/manifest.ts";
import type { Table } from "../iceberg/table.ts";
import type { Row } from "../row.ts";

/** So many files of one cell and about one size become one. */
const filesPerMerge = 8;
/** A file of so many rows, or bytes, is large enough. Bounds the memory of a merge too. */
const largeRows = 100_000;
const largeBytes = 32 * 1024 * 1024;

/** Files of one cell that should be one; undefined: there are none. */
export function mergeOf(files: readonly DataFile[]): readonly DataFile[] | undefined {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    if (file.rows >= largeRows || file.bytes >= largeBytes) continue;
    const size = Math.floor(Math.log(file.rows) / Math.log(filesPerMerge));
    const key = `${cellPath(file)}/${size}`;
    const group = groups.get(key) ?? [];
    group.push(file);
    groups.set(key, group);
    if (group.length === filesPerMerge) return withinMemory(group);
  }
  return undefined;
}

function withinMemory(files: readonly DataFile[]): readonly DataFile[] {
  let bytes = 0;
  const taken = files.filter((file) => {
    bytes += file.bytes;
    return bytes <= largeBytes;
  });
  return taken.length >= 2 ? taken : files.slice(0, 2);
}

/** One merge, as one commit. False: there was nothing to merge. */
export async function compact(table: Table): Promise<boolean> {
  const files = mergeOf(table.dataFiles());
  const [cell] = files ?? [];
  if (files === undefined || cell === undefined) return false;
  let rows: Row[] = [];
  for (const { path } of files) rows = rows.concat(await readParquet(table.files.path(path)));
  const { stream, day, bucket } = cell;
  table.commit({ operation: "replace", add: [{ cell: { stream, day, bucket }, rows: inOrder(rows) }], remove: files });
  return true;
}

/** By vehicle, then as they happened: what is asked for together stands together. */
export function inOrder(rows: readonly Row[]): Row[] {
  return rows.toSorted(
    (a, b) =>
      (a.vehicle < b.vehicle ? -1 : a.vehicle > b.vehicle ? 1 : 0) ||
      a.eventMs - b.eventMs ||
      (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0) ||
      a.partition - b.partition ||
      a.offset - b.offset,
  );
}
