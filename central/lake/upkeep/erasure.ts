/**
 * Erased vehicles go out of the lake, and stay out. The store's list says who is erased; the table says, in the same commit that took
 * a vehicle's rows out, that they are out. Whatever dies in between, the two lists differ until it is done.
 *
 * The table names a vehicle by a hash: its metadata is read by whoever reads the lake.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { bucketOf } from "../bucket.ts";
import { readParquet } from "../files/parquet.ts";
import { mayHold } from "../iceberg/bounds.ts";
import type { DataFile } from "../iceberg/manifest.ts";
import { erasedProperty } from "../iceberg/metadata.ts";
import type { CellRows, Table } from "../iceberg/table.ts";

/** A vehicle on the store's list. */
export interface ErasedVehicle {
  readonly vehicle: string;
  readonly atMs: number;
}

/** Rows that are read and written again in one commit, about. */
const rowsPerStep = 200_000;

const Erased = z.record(z.string(), z.int());

/** Brings the table up to the list, a bounded commit at a time. False: nothing was to be done. */
export async function erase(table: Table, list: readonly ErasedVehicle[]): Promise<boolean> {
  const done = Erased.parse(JSON.parse(table.metadata.properties[erasedProperty] ?? "{}"));
  const wanted = Object.fromEntries(list.map(({ vehicle, atMs }) => [hashOf(vehicle), atMs]));
  const open = list.filter(({ vehicle, atMs }) => done[hashOf(vehicle)] !== atMs).map(({ vehicle }) => vehicle);
  const isLonger = Object.keys(done).length > list.length; // a suppression has ended
  if (open.length === 0 && !isLonger) return false;
  while (open.length > 0 && (await eraseStep(table, open))) {}
  table.commit({
    operation: "overwrite",
    add: [],
    erased: JSON.stringify(wanted),
    ...(open.length > 0 ? { alone: true } : {}),
  });
  return true;
}

/** How many of the list are still in the table. */
export function pendingOf(table: Table, list: readonly ErasedVehicle[]): number {
  const done = Erased.parse(JSON.parse(table.metadata.properties[erasedProperty] ?? "{}"));
  return list.filter(({ vehicle, atMs }) => done[hashOf(vehicle)] !== atMs).length;
}

/** Takes the vehicles out of some files. False: none has them. */
async function eraseStep(table: Table, vehicles: readonly string[]): Promise<boolean> {
  const { buckets } = table;
  const gone = new Set(vehicles);
  const remove: DataFile[] = [];
  const add: CellRows[] = [];
  let read = 0;
  for (const file of table.dataFiles()) {
    if (!vehicles.some((vehicle) => bucketOf(vehicle, buckets) === file.bucket && mayHold(file, "vehicle", vehicle)))
      continue;
    const rows = await readParquet(table.files.path(file.path));
    const left = rows.filter(({ vehicle }) => !gone.has(vehicle));
    if (left.length === rows.length) continue;
    remove.push(file);
    const { stream, day, bucket } = file;
    if (left.length > 0) add.push({ cell: { stream, day, bucket }, rows: left });
    read += rows.length;
    if (read >= rowsPerStep) break;
  }
  if (remove.length === 0) return false;
  table.commit({ operation: "overwrite", add, remove });
  return true;
}

function hashOf(vehicle: string): string {
  return createHash("sha256").update(vehicle).digest("hex").slice(0, 32);
}
