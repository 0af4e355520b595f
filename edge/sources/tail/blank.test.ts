/** Room that a writer has asked for and not filled yet. */
import { expect, test } from "bun:test";
import { closeSync, ftruncateSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { endOfText } from "./blank.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

test("zeros at a file's end are no line until they are filled, also with start: end and across a restart", async () => {
  for (const [start, first] of [
    ["beginning", ["old"]],
    ["end", []],
  ] as const) {
    using w = tailWorld({ start });
    const fd = openSync(w.log, "w+");
    writeSync(fd, "old\n", 0);
    ftruncateSync(fd, 3_000_000);
    const run = w.start();
    await until("the file", () => said(run, "tail_file_found").length > 0);
    await sees(run, first);
    writeSync(fd, "new\nhal", 4);
    await sees(run, [...first, "new"]);
    const work = await run.stop();
    writeSync(fd, "f\nlast\n", 11);
    await using again = w.start(work);
    await sees(again, [...first, "new", "half", "last"]);
    ftruncateSync(fd, 18);
    closeSync(fd);
    rmSync(w.log);
    await Bun.sleep(150);
    expect(again.intake.lines.length).toBe(first.length + 3);
    expect(again.intake.counter("lost_at_source")).toBe(0);
    expect(again.intake.counter("cut")).toBe(0);
  }
});

test("room of zeros alone is filled later, and what is written through a map is found without an event", async () => {
  using w = tailWorld();
  const fd = openSync(w.log, "w+");
  ftruncateSync(fd, 2_000_000);
  await using run = w.start();
  await until("the file", () => said(run, "tail_file_found").length > 0);
  await Bun.sleep(100);
  expect(said(run, "tail_file_found").length).toBe(1);
  writeSync(fd, "one\n", 0);
  await sees(run, ["one"]);
  const map = Bun.mmap(w.log, { shared: true });
  map.set(Buffer.from("two\n"), 4);
  await sees(run, ["one", "two"]);
  map.set(Buffer.from("three\n"), 8);
  await sees(run, ["one", "two", "three"]);
  closeSync(fd);
});

test("zeros with text after them are a hole, and are read as they are", async () => {
  using w = tailWorld();
  writeFileSync(
    w.log,
    Buffer.concat([Buffer.alloc(5), Buffer.from("x\n"), Buffer.alloc(700_000), Buffer.from("\ny\n")]),
  );
  await using run = w.start();
  await until("the last", () => run.intake.lines.includes("y"));
  expect(run.intake.lines[0]).toBe("\0\0\0\0\0x");
});

test("the end of the text of a huge file that is mostly room is found at once", () => {
  using dir = tempDir();
  for (const textBytes of [0, 1, 70_000, 300_000, 40_000_000]) {
    const path = dir.file(`${textBytes}`);
    writeFileSync(path, Buffer.alloc(textBytes, "x"));
    truncateSync(path, 20_000_000_000);
    const fd = openSync(path, "r");
    expect(endOfText(fd, 20_000_000_000)).toBe(textBytes);
    closeSync(fd);
  }
  // Byte by byte it took minutes.
}, 60_000);
