/**
 * The table's metadata file, one for each commit (Iceberg spec, "Table Metadata", version 2). Where the lake stands in the topics is
 * a property of the snapshot: rows and positions are one file, and so they are there together or not at all.
 */
import { z } from "zod";
import { columns } from "../columns.ts";
import { icebergSchema, partitionFields, partitionIds } from "./schema.ts";

/** The snapshot's property that says up to where the topics are in it: topic → partition → next offset, as JSON. */
export const offsetsProperty = "tailgate.offsets";
/** Kafka's ids of these topics, as JSON: a topic made anew has another one. */
export const topicIdsProperty = "tailgate.topic-ids";
/** The table's property that says which vehicles are out of it: hash of the name → when it was erased, as JSON. */
export const erasedProperty = "tailgate.erased";

const Snapshot = z.looseObject({
  "snapshot-id": z.int(),
  "parent-snapshot-id": z.int().optional(),
  "sequence-number": z.int(),
  "timestamp-ms": z.int(),
  summary: z.looseObject({ operation: z.string() }).catchall(z.string()),
  "manifest-list": z.string(),
  "schema-id": z.int().optional(),
});

/** A state of the table. */
export type Snapshot = z.output<typeof Snapshot>;

/** What is asked of a metadata file. */
export const TableMetadata = z.looseObject({
  "format-version": z.literal(2),
  "table-uuid": z.string(),
  location: z.string(),
  "last-sequence-number": z.int(),
  "last-updated-ms": z.int(),
  "partition-specs": z.array(z.looseObject({ fields: z.array(z.looseObject({ transform: z.string() })) })).min(1),
  properties: z.record(z.string(), z.string()),
  "current-snapshot-id": z.int(),
  snapshots: z.array(Snapshot),
  "snapshot-log": z.array(z.object({ "timestamp-ms": z.int(), "snapshot-id": z.int() })),
  "metadata-log": z.array(z.object({ "timestamp-ms": z.int(), "metadata-file": z.string() })),
  refs: z.record(z.string(), z.object({ "snapshot-id": z.int(), type: z.literal("branch") })),
});

/** A metadata file's content. */
export type TableMetadata = z.output<typeof TableMetadata>;

/** Of a table that has nothing in it. */
export function emptyTable(location: string, buckets: number, nowMs: number): TableMetadata {
  return {
    "format-version": 2,
    "table-uuid": crypto.randomUUID(),
    location,
    "last-sequence-number": 0,
    "last-updated-ms": nowMs,
    "last-column-id": columns.length,
    "current-schema-id": 0,
    schemas: [icebergSchema],
    "default-spec-id": 0,
    "partition-specs": [{ "spec-id": 0, fields: partitionFields(buckets) }],
    "last-partition-id": partitionIds.bucket,
    "default-sort-order-id": 0,
    "sort-orders": [{ "order-id": 0, fields: [] }],
    properties: { "write.format.default": "parquet", "write.parquet.compression-codec": "zstd" },
    "current-snapshot-id": -1,
    snapshots: [],
    "snapshot-log": [],
    "metadata-log": [],
    refs: {},
  };
}

/** The state that readers see; undefined: nothing was written yet. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata["current-snapshot-id"];
  return metadata.snapshots.find((snapshot) => snapshot["snapshot-id"] === id);
}

/** How many buckets the table was made with. */
export function bucketsOf(metadata: TableMetadata): number {
  const transforms = metadata["partition-specs"][0]?.fields.map(({ transform }) => transform) ?? [];
  return Number(/^bucket\[(\d+)\]$/.exec(transforms.find((each) => each.startsWith("bucket")) ?? "")?.[1] ?? 1);
}

/** Of the current snapshot; 0 where it says nothing. */
export function totalOf(metadata: TableMetadata, name: "records" | "data-files" | "files-size"): number {
  return Number(currentSnapshot(metadata)?.summary[`total-${name}`] ?? 0);
}

/** The next state of the table, after `snapshot`, and without those that are older than `keepFromMs`. */
export function advance(
  metadata: TableMetadata,
  snapshot: Snapshot,
  change: {
    readonly before: string;
    readonly keepFromMs: number;
    readonly properties: Readonly<Record<string, string>>;
  },
): TableMetadata {
  const id = snapshot["snapshot-id"];
  const atMs = snapshot["timestamp-ms"];
  const snapshots = [...metadata.snapshots.filter((one) => one["timestamp-ms"] >= change.keepFromMs), snapshot];
  const kept = new Set(snapshots.map((one) => one["snapshot-id"]));
  // The log ends at the first hole (spec): what is before an expired snapshot is nothing to travel to.
  const log = metadata["snapshot-log"].filter((entry) => kept.has(entry["snapshot-id"]));
  const last = { "timestamp-ms": metadata["last-updated-ms"], "metadata-file": change.before };
  return {
    ...metadata,
    "last-sequence-number": snapshot["sequence-number"],
    "last-updated-ms": atMs,
    properties: { ...metadata.properties, ...change.properties },
    "current-snapshot-id": id,
    snapshots,
    "snapshot-log": [...log, { "timestamp-ms": atMs, "snapshot-id": id }],
    "metadata-log": [...metadata["metadata-log"], last].slice(-metadataFilesKept),
    refs: { main: { "snapshot-id": id, type: "branch" } },
  };
}

/** Earlier metadata files that stay, for readers that have just read one. */
export const metadataFilesKept = 10;
