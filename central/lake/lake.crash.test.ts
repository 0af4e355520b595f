import { expect, test } from "bun:test";
import { seededRandom } from "../../shared/random/random.ts";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { sweep } from "./iceberg/sweep.ts";
import { line, openTable, rowAt, rowsOf } from "./testing/rows.ts";

const writer = new URL("./testing/crash-writer.ts", import.meta.url).pathname;

const expected = (next: number) => Array.from({ length: next }, (_, offset) => rowAt(offset));

test("killed with -9 at any moment, the table holds each row up to its position once, and none behind it", async () => {
  using dir = tempDir("tailgate-lake-");
  const folder = dir.file("events");
  const random = seededRandom(20_261_127);
  let before = 0;
  let [advanced, left] = [0, 0];
  for (let round = 0; round < 15; round++) {
    await using child = startChild({ command: [process.execPath, writer, folder, "sweep"] });
    await child.waitForLine(round % 4 === 0 ? "ready" : "wrote");
    await Bun.sleep(random.next() * 150);
    await child.kill();
    const table = openTable(folder);
    const next = table.positions().at(line) ?? 0;
    expect(next).toBeGreaterThanOrEqual(before);
    expect(await rowsOf(table)).toEqual(expected(next));
    left += sweep(table.files, table.metadata);
    expect(await rowsOf(table)).toEqual(expected(next));
    expect(sweep(table.files, table.metadata)).toBe(0);
    if (next > before) advanced++;
    before = next;
  }
  expect(advanced).toBeGreaterThanOrEqual(10);
  expect(left).toBeGreaterThan(0); // some died with files that no snapshot names
}, 60_000);

test("of two writers without a lock only one commits each time: nothing twice, nothing lost", async () => {
  using dir = tempDir("tailgate-lake-");
  const folder = dir.file("events");
  await using one = startChild({ command: [process.execPath, writer, folder] });
  await using other = startChild({ command: [process.execPath, writer, folder] });
  await Promise.all([one.waitForLine("wrote", 20_000), other.waitForLine("wrote", 20_000)]);
  await Promise.all([one.waitForLine("fenced", 20_000), other.waitForLine("fenced", 20_000)]);
  await Promise.all([one.kill(), other.kill()]);
  const table = openTable(folder);
  const next = table.positions().at(line) ?? 0;
  expect(next).toBeGreaterThan(0);
  expect(await rowsOf(table)).toEqual(expected(next));
}, 60_000);
