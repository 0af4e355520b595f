import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { noonMs } from "../../testing/records.ts";
import { bucketOf } from "../bucket.ts";
import { readParquet } from "../files/parquet.ts";
import { sweep } from "../iceberg/sweep.ts";
import { append, openTable, rowAt, rowsFrom, rowsOf } from "../testing/rows.ts";
import { compact } from "./compaction.ts";
import { erase, pendingOf } from "./erasure.ts";
import { retain } from "./retention.ts";

/** Every byte of every file below a folder. */
function allBytes(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join();
}

describe("keeping the table small", () => {
  test("small files of a cell become one, in order, and the earlier states stay readable", async () => {
    using dir = tempDir();
    const table = openTable(dir.file("events"));
    const rows = rowsFrom(0, 2_000).filter(({ offset, vehicle }) => offset % 2 === 0 && bucketOf(vehicle, 2) === 0);
    const size = Math.ceil(rows.length / 9);
    for (let step = 0; step < 9; step++) append(table, rows.slice(step * size, (step + 1) * size));
    const before = table.metadata.snapshots.length;
    let merges = 0;
    while (await compact(table)) merges++;
    expect(merges).toBe(1); // eight of nine
    expect(table.dataFiles()).toHaveLength(2);
    expect(await rowsOf(table)).toEqual(rows);
    expect(table.metadata.snapshots).toHaveLength(before + merges);
    sweep(table.files, table.metadata);
    const merged = table.dataFiles().find((file) => file.rows > size);
    const held = await readParquet(table.files.path(merged?.path ?? ""));
    const names = held.map(({ vehicle }) => vehicle);
    expect(names).toEqual(names.toSorted());
  });

  test("days beyond retention go; a clock of 1970 does not count where Kafka's time is younger", async () => {
    using dir = tempDir();
    const table = openTable(dir.file("events"));
    const old = { eventMs: noonMs - 40 * 86_400_000, kafkaMs: noonMs - 40 * 86_400_000 };
    append(table, [rowAt(0, old), rowAt(1, { eventMs: 0, kafkaMs: noonMs }), rowAt(2)]);
    expect(retain(table, noonMs - 30 * 86_400_000)).toBe(1);
    expect((await rowsOf(table)).map(({ offset }) => offset)).toEqual([1, 2]);
    expect(retain(table, noonMs - 30 * 86_400_000)).toBe(0);
    expect(table.positions().offsetsText).toBe('{"drive":{"0":3}}');
  });
});

describe("erasure", () => {
  const list = [{ vehicle: "car-secret", atMs: 5 }];
  const rows = rowsFrom(0, 300).map((row) => (row.offset % 10 === 0 ? { ...row, vehicle: "car-secret" } : row));
  const others = rows.filter(({ vehicle }) => vehicle !== "car-secret");

  test("takes the rows out of every file, and the snapshots that had them; no byte of them stays on the disk", async () => {
    using dir = tempDir();
    const table = openTable(dir.file("events"));
    append(table, rows.slice(0, 150));
    append(table, rows.slice(150));
    expect(allBytes(dir.path).includes("car-secret")).toBe(true);
    expect(pendingOf(table, list)).toBe(1);
    expect(await erase(table, list)).toBe(true);
    sweep(table.files, table.metadata);
    expect(pendingOf(table, list)).toBe(0);
    expect(await rowsOf(table)).toEqual(others);
    expect(table.metadata.snapshots).toHaveLength(1);
    expect(allBytes(dir.path).includes("car-secret")).toBe(false);
    expect(await erase(openTable(dir.file("events")), list)).toBe(false);
    expect(table.positions().offsetsText).toBe('{"drive":{"0":300}}');
  });

  test("a vehicle that is let in again, and erased again, is erased again", async () => {
    using dir = tempDir();
    const table = openTable(dir.file("events"));
    append(table, rows, new Set(["car-secret"]));
    expect(await erase(table, list)).toBe(true);
    expect(await erase(table, [])).toBe(true);
    append(table, [rowAt(300, { vehicle: "car-secret" })]);
    expect(await rowsOf(table)).toHaveLength(others.length + 1);
    expect(await erase(table, [{ vehicle: "car-secret", atMs: 6 }])).toBe(true);
    expect(await rowsOf(table)).toEqual(others);
  });
});
