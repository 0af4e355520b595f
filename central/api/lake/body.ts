import type { z } from "@hono/zod-openapi";
import { offsetsProperty, type Snapshot } from "../../lake/iceberg/metadata.ts";
import { readOffsets } from "../../lake/positions.ts";
import type { LakeSnapshotRow } from "./schema.ts";

/** A snapshot as the API shows it. */
export function snapshotBody(snapshot: Snapshot): z.output<typeof LakeSnapshotRow> {
  const { summary } = snapshot;
  const number = (name: string) => Number(summary[name] ?? 0);
  return {
    id: snapshot["snapshot-id"],
    sequence: snapshot["sequence-number"],
    atMs: snapshot["timestamp-ms"],
    operation: summary.operation,
    addedRows: number("added-records"),
    deletedRows: number("deleted-records"),
    rows: number("total-records"),
    files: number("total-data-files"),
    bytes: number("total-files-size"),
    offsets: readOffsets(summary[offsetsProperty]),
  };
}
