/** Room that a writer has asked for and not filled yet. */
import { expect, test } from "bun:test";
import { closeSync, ftruncateSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

function world(config: Record<string, unknown> = {}) {
  const dir = tempDir();
  return {
    dir,
    log: dir.file("x.log"),
    start: (work?: CommittedWork): RunningSource =>
      runSource({
        definition,
        config: { paths: dir.file("*.log"), pollInterval: 30, rotateWait: 60, ...config },
        dataDir: dir.path,
        ...(work === undefined ? {} : { work }),
      }),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

async function sees(run: RunningSource, lines: readonly string[]): Promise<void> {
  await until(
    `${lines.length} lines`,
    () => run.intake.lines.length,
    (count) => count >= lines.length,
    { everyMs: 3, withinMs: 5_000 },
  );
  // What is repeated would come with the next looks.
  await Bun.sleep(120);
  expect([...run.intake.lines].sort()).toEqual([...lines].sort());
}

const said = (run: RunningSource, signal: string) => run.reports.filter((report) => report.signal === signal);

test("zeros at a file's end are no line until they are filled, also with start: end and across a restart", async () => {
  for (const [start, first] of [
    ["beginning", ["old"]],
    ["end", []],
  ] as const) {
    using w = world({ start });
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
  using w = world();
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
  using w = world();
  writeFileSync(
    w.log,
    Buffer.concat([Buffer.alloc(5), Buffer.from("x\n"), Buffer.alloc(700_000), Buffer.from("\ny\n")]),
  );
  await using run = w.start();
  await until("the last", () => run.intake.lines.includes("y"));
  expect(run.intake.lines[0]).toBe("\0\0\0\0\0x");
});
