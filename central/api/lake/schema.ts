import { z } from "@hono/zod-openapi";

/** Where the lake is. */
export const LakeStatus = z
  .object({
    table: z.string().nullable().openapi({ description: "URI of the Iceberg table; null before there is one." }),
    state: z.enum(["starting", "writing", "waiting", "standby"]).openapi({
      description:
        "standby: another central writes the lake. waiting: `trouble` says what it waits for; it goes on by itself.",
    }),
    trouble: z.string().nullable(),
    code: z.string().nullable().openapi({ description: "Error code of the trouble." }),
    hint: z.string().nullable(),
    lag: z.int().nullable().openapi({ description: "Records that Kafka holds and the lake has not read." }),
    bufferedRows: z.int().openapi({ description: "Read, and not in a snapshot yet." }),
    rows: z.int(),
    files: z.int(),
    bytes: z.int(),
    snapshots: z.int(),
    lastCommitMs: z.int().nullable().openapi({ description: "Of this process." }),
    gone: z.int().openapi({ description: "Offsets that Kafka no longer held when they were to be read." }),
    damaged: z.int().openapi({ description: "Offsets of batches that cannot be read." }),
    withheld: z.int().openapi({ description: "Rows of erased vehicles that were left out." }),
    erasuresPending: z.int().openapi({ description: "Erased vehicles whose rows are still in it." }),
  })
  .openapi("LakeStatus");

/** A state of the table. */
export const LakeSnapshotRow = z
  .object({
    id: z.int(),
    sequence: z.int(),
    atMs: z.int(),
    operation: z
      .string()
      .openapi({ description: "append, replace (files merged), overwrite (erasure), delete (days)." }),
    addedRows: z.int(),
    deletedRows: z.int(),
    rows: z.int(),
    files: z.int(),
    bytes: z.int(),
    offsets: z.record(z.string(), z.record(z.string(), z.int())).openapi({
      description: "Topic → partition → the next offset: all before it is in this state.",
    }),
  })
  .openapi("LakeSnapshot");

/** A Parquet file of the table. */
export const LakeFile = z
  .object({
    path: z.string().openapi({ description: "URI." }),
    stream: z.string(),
    date: z.string().openapi({ example: "2026-11-27" }),
    bucket: z.int(),
    rows: z.int(),
    bytes: z.int(),
    snapshot: z.int().openapi({ description: "Snapshot that added the file." }),
  })
  .openapi("LakeFile");
