import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { noonMs } from "../../testing/records.ts";
import { codes } from "../codes.ts";
import { append, batchOf, line, openTable, rowsFrom, rowsOf } from "../testing/rows.ts";
import { mayHold } from "./bounds.ts";
import { sweep } from "./sweep.ts";

describe("the table", () => {
  test("holds rows and position together, and is the same when it is opened again", async () => {
    using dir = tempDir();
    const table = openTable(dir.file("events"));
    expect(table.positions().at(line)).toBeUndefined();
    append(table, rowsFrom(0, 500));
    append(table, rowsFrom(500, 300));
    for (const each of [table, openTable(dir.file("events"))]) {
      expect(each.positions().at(line)).toBe(800);
      expect(await rowsOf(each)).toEqual(rowsFrom(0, 800));
      expect(each.dataFiles()).toHaveLength(8); // two days, two buckets, two commits
    }
    expect(readFileSync(table.files.hint, "utf8")).toBe("3");
  });

  test("a second writer that has not seen the last commit is fenced, and nothing of it is in the table", async () => {
    using dir = tempDir();
    const one = openTable(dir.file("events"));
    const other = openTable(dir.file("events"));
    append(one, rowsFrom(0, 10));
    const fenced = { ...codes.CENTRAL_LAKE_FENCED };
    expect(() => append(other, rowsFrom(0, 20))).toThrow(expect.objectContaining({ code: fenced.name }));
    const again = openTable(dir.file("events"));
    expect(await rowsOf(again)).toEqual(rowsFrom(0, 10));
    expect(sweep(again.files, again.metadata)).toBeGreaterThan(2);
    append(again, rowsFrom(10, 5));
    expect(await rowsOf(again)).toEqual(rowsFrom(0, 15));
  });

  test("snapshots are dropped by age, what they alone name is swept, and ids stay below 2^53", async () => {
    using dir = tempDir();
    const clock = new VirtualClock(noonMs);
    const table = openTable(dir.file("events"), { clock, keepSnapshotsMs: 60_000 });
    for (let step = 0; step < 5; step++) {
      append(table, rowsFrom(step * 10, 10));
      clock.advance(25_000);
    }
    const ids = table.metadata.snapshots.map((snapshot) => snapshot["snapshot-id"]);
    expect(ids.every((id) => Number.isSafeInteger(id) && id > 0)).toBe(true);
    expect(ids).toHaveLength(3);
    expect(table.metadata["snapshot-log"]).toHaveLength(3);
    expect(sweep(table.files, table.metadata)).toBe(2); // two lists; the manifests and files are still in use
    expect(await rowsOf(table)).toEqual(rowsFrom(0, 50));
  });

  test("a clock that goes back does not take the table with it", () => {
    using dir = tempDir();
    const clock = new VirtualClock(noonMs);
    const table = openTable(dir.file("events"), { clock });
    append(table, rowsFrom(0, 10));
    clock.setWall(0);
    append(table, rowsFrom(10, 10));
    const times = table.metadata.snapshots.map((snapshot) => snapshot["timestamp-ms"]);
    expect(times).toEqual([noonMs + 1, noonMs + 2]);
  });

  test("metadata that cannot be read is said, and not written over", () => {
    using dir = tempDir();
    const table = openTable(dir.file("events"));
    append(table, rowsFrom(0, 10));
    Bun.spawnSync(["truncate", "-s", "100", table.files.metadata(2)]);
    expect(() => openTable(dir.file("events"))).toThrow(expect.objectContaining({ code: "CENTRAL_LAKE_TABLE" }));
  });

  test("bounds leave out what a file cannot hold, and nothing else", () => {
    using dir = tempDir();
    const table = openTable(dir.file("events"));
    const rows = rowsFrom(0, 200);
    append(table, rows);
    for (const file of table.dataFiles()) {
      for (const { cell, rows: held } of batchOf(table, rows).byCell(new Set())) {
        if (cell.bucket !== file.bucket || cell.day !== file.day) continue;
        for (const { vehicle } of held) expect(mayHold(file, "vehicle", vehicle)).toBe(true);
      }
      expect(mayHold(file, "vehicle", "zebra")).toBe(false);
      expect(mayHold(file, "vehicle", "a")).toBe(false);
    }
  });
});
