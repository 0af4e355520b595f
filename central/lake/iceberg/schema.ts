/** The table's schema and partitioning, as Iceberg says them (spec, format version 2). */
import { columnId, columns } from "../columns.ts";

/** Ids of the partition's fields. */
export const partitionIds = { stream: 1000, date: 1001, bucket: 1002 } as const;

/** The schema, as it stands in the metadata and in the header of each manifest. */
export const icebergSchema = {
  type: "struct",
  "schema-id": 0,
  fields: columns.map(({ id, name, required, type, doc }) => ({ id, name, required, type, doc })),
} as const;

/** The three transforms; see `bucket.ts`. */
export function partitionFields(buckets: number) {
  return [
    { "source-id": columnId("stream"), "field-id": partitionIds.stream, name: "stream", transform: "identity" },
    { "source-id": columnId("event_time"), "field-id": partitionIds.date, name: "date", transform: "day" },
    {
      "source-id": columnId("vehicle"),
      "field-id": partitionIds.bucket,
      name: "bucket",
      transform: `bucket[${buckets}]`,
    },
  ];
}
