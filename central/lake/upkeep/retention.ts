/** Whole days go, by their date: files are taken out of the table, nothing is written again. */
import { dayMs } from "../bucket.ts";
import { highestMs } from "../iceberg/bounds.ts";
import type { DataFile } from "../iceberg/manifest.ts";
import type { Table } from "../iceberg/table.ts";

/**
 * Files whose day, and whose last record in Kafka, lie further back. The second keeps what a clock of 1970 dates, where the topic
 * gives records the broker's time.
 */
export function expiredOf(files: readonly DataFile[], beforeMs: number): readonly DataFile[] {
  return files.filter(
    (file) =>
      (file.day + 1) * dayMs <= beforeMs && (highestMs(file, "kafka_time") ?? Number.NEGATIVE_INFINITY) < beforeMs,
  );
}

/** Returns how many rows have gone. */
export function retain(table: Table, beforeMs: number): number {
  const remove = expiredOf(table.dataFiles(), beforeMs);
  if (remove.length === 0) return 0;
  table.commit({ operation: "delete", add: [], remove });
  return remove.reduce((sum, { rows }) => sum + rows, 0);
}
