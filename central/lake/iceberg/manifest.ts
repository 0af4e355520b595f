/**
 * Manifests: the data files of a table, each with what a reader prunes by; and the list of a snapshot's manifests. Names and ids of
 * the fields are those of the Iceberg spec ("Manifests", "Snapshots").
 */
import type { Schema, Type } from "avsc";
import { z } from "zod";
import type { Cell } from "../bucket.ts";
import { avroFile, avroRecord, readAvroFile } from "./avro-file.ts";
import type { Bounds } from "./bounds.ts";
import { icebergSchema, partitionFields, partitionIds } from "./schema.ts";

/** A Parquet file of the table. */
export interface DataFile extends Cell, Bounds {
  /** Absolute, as a URI. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** The snapshot that brought it. */
  readonly addedBy: number;
  /** Of that snapshot. */
  readonly sequence: number;
}

/** What an entry says of its file. */
export type EntryStatus = "existing" | "added" | "deleted";

/** A file of a manifest. */
export interface ManifestEntry {
  readonly status: EntryStatus;
  readonly file: DataFile;
}

/** A manifest, as the list of a snapshot names it. */
export interface ManifestOf {
  readonly path: string;
  readonly bytes: number;
  readonly sequence: number;
  readonly sequenceMin: number;
  readonly addedBy: number;
  readonly files: Readonly<Record<EntryStatus, number>>;
  readonly rows: Readonly<Record<EntryStatus, number>>;
}

const statuses: readonly EntryStatus[] = ["existing", "added", "deleted"];

/** A schema that may stand in a union. */
type Plain = Exclude<Schema, Type | readonly unknown[]>;

const field = (id: number, name: string, type: Schema) => ({ name, type, "field-id": id });
const optional = (id: number, name: string, type: Plain) => ({ ...field(id, name, ["null", type]), default: null });

function boundsMap(id: number, name: string, keyId: number) {
  const fields = [field(keyId, "key", "int"), field(keyId + 1, "value", "bytes")];
  const items: Plain = { type: "record", name: `k${keyId}_v${keyId + 1}`, fields };
  return optional(id, name, { type: "array", items, logicalType: "map" });
}

const partitionType: Plain = {
  type: "record",
  name: "r102",
  fields: [
    optional(partitionIds.stream, "stream", "string"),
    optional(partitionIds.date, "date", { type: "int", logicalType: "date" }),
    optional(partitionIds.bucket, "bucket", "int"),
  ],
};

const Entry = avroRecord({
  type: "record",
  name: "manifest_entry",
  fields: [
    field(0, "status", "int"),
    optional(1, "snapshot_id", "long"),
    optional(3, "sequence_number", "long"),
    optional(4, "file_sequence_number", "long"),
    field(2, "data_file", {
      type: "record",
      name: "r2",
      fields: [
        field(134, "content", "int"),
        field(100, "file_path", "string"),
        field(101, "file_format", "string"),
        field(102, "partition", partitionType),
        field(103, "record_count", "long"),
        field(104, "file_size_in_bytes", "long"),
        boundsMap(125, "lower_bounds", 126),
        boundsMap(128, "upper_bounds", 129),
      ],
    }),
  ],
});

const Listed = avroRecord({
  type: "record",
  name: "manifest_file",
  fields: [
    field(500, "manifest_path", "string"),
    field(501, "manifest_length", "long"),
    field(502, "partition_spec_id", "int"),
    field(517, "content", "int"),
    field(515, "sequence_number", "long"),
    field(516, "min_sequence_number", "long"),
    field(503, "added_snapshot_id", "long"),
    field(504, "added_files_count", "int"),
    field(505, "existing_files_count", "int"),
    field(506, "deleted_files_count", "int"),
    field(512, "added_rows_count", "long"),
    field(513, "existing_rows_count", "long"),
    field(514, "deleted_rows_count", "long"),
  ],
});

const Bound = z.object({ key: z.int(), value: z.instanceof(Buffer) });
const ReadEntry = z.object({
  status: z.int().min(0).max(2),
  snapshot_id: z.int(),
  sequence_number: z.int(),
  data_file: z.object({
    file_path: z.string(),
    partition: z.object({ stream: z.string(), date: z.int(), bucket: z.int() }),
    record_count: z.int(),
    file_size_in_bytes: z.int(),
    lower_bounds: z.array(Bound),
    upper_bounds: z.array(Bound),
  }),
});
const ReadListed = z.object({
  manifest_path: z.string(),
  manifest_length: z.int(),
  sequence_number: z.int(),
  min_sequence_number: z.int(),
  added_snapshot_id: z.int(),
  added_files_count: z.int(),
  existing_files_count: z.int(),
  deleted_files_count: z.int(),
  added_rows_count: z.int(),
  existing_rows_count: z.int(),
  deleted_rows_count: z.int(),
});

/** The manifest's bytes. Sequence numbers are written out: none is inherited. */
export function manifestBytes(entries: readonly ManifestEntry[], buckets: number, snapshot: number): Buffer {
  const records = entries.map(({ status, file }) => ({
    status: statuses.indexOf(status),
    // Of a file that goes: the snapshot that takes it out.
    snapshot_id: status === "deleted" ? snapshot : file.addedBy,
    sequence_number: file.sequence,
    file_sequence_number: file.sequence,
    data_file: {
      content: 0,
      file_path: file.path,
      file_format: "PARQUET",
      partition: { stream: file.stream, date: file.day, bucket: file.bucket },
      record_count: file.rows,
      file_size_in_bytes: file.bytes,
      lower_bounds: file.lower,
      upper_bounds: file.upper,
    },
  }));
  return avroFile(Entry, records, {
    schema: JSON.stringify(icebergSchema),
    "schema-id": "0",
    "partition-spec": JSON.stringify(partitionFields(buckets)),
    "partition-spec-id": "0",
    "format-version": "2",
    content: "data",
  });
}

/** @throws AppError `CENTRAL_LAKE_TABLE`, the system's error, or Zod's when it is not of this table. */
export function readManifest(path: string): ManifestEntry[] {
  return readAvroFile(Entry, path).map((record) => {
    const { status, snapshot_id, sequence_number, data_file } = ReadEntry.parse(record);
    const { file_path, partition, record_count, file_size_in_bytes, lower_bounds, upper_bounds } = data_file;
    return {
      status: statuses[status] ?? "existing",
      file: {
        path: file_path,
        stream: partition.stream,
        day: partition.date,
        bucket: partition.bucket,
        rows: record_count,
        bytes: file_size_in_bytes,
        addedBy: snapshot_id,
        sequence: sequence_number,
        lower: lower_bounds,
        upper: upper_bounds,
      },
    };
  });
}

/** What the list says of a manifest that is written now. */
export function manifestOf(
  {
    path,
    bytes,
    snapshot,
    sequence,
  }: Readonly<Record<"bytes" | "snapshot" | "sequence", number>> & { readonly path: string },
  entries: readonly ManifestEntry[],
): ManifestOf {
  const files = { existing: 0, added: 0, deleted: 0 };
  const rows = { existing: 0, added: 0, deleted: 0 };
  let sequenceMin = sequence;
  for (const { status, file } of entries) {
    files[status]++;
    rows[status] += file.rows;
    if (status !== "deleted") sequenceMin = Math.min(sequenceMin, file.sequence);
  }
  return { path, bytes, sequence, sequenceMin, addedBy: snapshot, files, rows };
}

/** The bytes of a snapshot's list. */
export function manifestListBytes(
  manifests: readonly ManifestOf[],
  {
    snapshot,
    parent,
    sequence,
  }: { readonly snapshot: number; readonly parent: number | undefined; readonly sequence: number },
): Buffer {
  const records = manifests.map(({ path, bytes, sequence: number, sequenceMin, addedBy, files, rows }) => ({
    manifest_path: path,
    manifest_length: bytes,
    partition_spec_id: 0,
    content: 0,
    sequence_number: number,
    min_sequence_number: sequenceMin,
    added_snapshot_id: addedBy,
    added_files_count: files.added,
    existing_files_count: files.existing,
    deleted_files_count: files.deleted,
    added_rows_count: rows.added,
    existing_rows_count: rows.existing,
    deleted_rows_count: rows.deleted,
  }));
  return avroFile(Listed, records, {
    "snapshot-id": `${snapshot}`,
    "parent-snapshot-id": `${parent ?? "null"}`,
    "sequence-number": `${sequence}`,
    "format-version": "2",
  });
}

/** @throws as `readManifest`. */
export function readManifestList(path: string): ManifestOf[] {
  return readAvroFile(Listed, path).map((record) => {
    const listed = ReadListed.parse(record);
    return {
      path: listed.manifest_path,
      bytes: listed.manifest_length,
      sequence: listed.sequence_number,
      sequenceMin: listed.min_sequence_number,
      addedBy: listed.added_snapshot_id,
      files: {
        added: listed.added_files_count,
        existing: listed.existing_files_count,
        deleted: listed.deleted_files_count,
      },
      rows: {
        added: listed.added_rows_count,
        existing: listed.existing_rows_count,
        deleted: listed.deleted_rows_count,
      },
    };
  });
}
