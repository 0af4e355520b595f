import { expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import type { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { tailWorld } from "./testing/tail-world.ts";

const lineCount = (run: RunningSource, count: number) =>
  until(
    `${count} lines`,
    () => run.intake.lines,
    (lines) => lines.length >= count,
    { everyMs: 2, withinMs: 5_000 },
  );
const aWhile = async (ms: number) => {
  const end = Bun.nanoseconds() + ms * 1e6;
  await until("a while", () => Bun.nanoseconds() > end);
};

test("a half line waits for its line end", async () => {
  using w = tailWorld();
  await using run = w.start();
  appendFileSync(w.log, "one\ntw");
  await lineCount(run, 1);
  await aWhile(150);
  expect(run.intake.lines).toEqual(["one"]);
  appendFileSync(w.log, "o\n");
  await lineCount(run, 2);
  expect(run.intake.lines).toEqual(["one", "two"]);
});

test("a half line is forwarded after partialLineAfter when that is set", async () => {
  using w = tailWorld({ partialLineAfter: 50 });
  await using run = w.start();
  appendFileSync(w.log, "tw");
  await lineCount(run, 1);
  appendFileSync(w.log, "o\n");
  await lineCount(run, 2);
  expect(run.intake.lines).toEqual(["tw", "o"]);
});

test("a rotated file's half line is a line once it was quiet for rotateWait, and comes before the next file's", async () => {
  using w = tailWorld();
  await using run = w.start();
  appendFileSync(w.log, "one\nhalf");
  await lineCount(run, 1);
  renameSync(w.log, `${w.log}.1`);
  writeFileSync(w.log, "two\n");
  await lineCount(run, 3);
  expect(run.intake.lines).toEqual(["one", "half", "two"]);
});

test("a line that is too long is cut, marked and counted, and what follows it is intact, also across a crash", async () => {
  using w = tailWorld({ lineBytesMax: 1000 });
  const run = w.start();
  appendFileSync(w.log, `one\n${"x".repeat(3_000_000)}`);
  await lineCount(run, 2);
  const work = await run.stop();
  appendFileSync(w.log, `${"x".repeat(5000)}\ntwo\n`);
  await using again = w.start(work);
  await lineCount(again, 3);
  expect(again.intake.lines).toEqual(["one", "x".repeat(1000), "two"]);
  expect(again.intake.events[1]?.headers).toEqual({ cut: "1000" });
  expect(again.intake.counter("cut")).toBe(1);
  expect(again.intake.counter("cut_bytes")).toBe(3_004_000);
});

test("start: end begins behind what is there, in files that come later at their beginning", async () => {
  using w = tailWorld({ start: "end" });
  writeFileSync(w.log, "old\nhalf an old li");
  const run = w.start();
  await until("the file", () => run.reports.length > 0);
  appendFileSync(w.log, "ne\nnew\n");
  writeFileSync(w.dir.file("y.log"), "other\n");
  await lineCount(run, 2);
  const work = await run.stop();
  writeFileSync(w.dir.file("z.log"), "while down\n");
  await using again = w.start(work);
  await lineCount(again, 3);
  expect([...again.intake.lines].sort()).toEqual(["new", "other", "while down"]);
});

test("excluded files, and their rotated names, are left alone", async () => {
  using w = tailWorld({ exclude: ["debug*"] });
  writeFileSync(w.dir.file("debug.log"), "no\n");
  await using run = w.start();
  writeFileSync(w.log, "yes\n");
  await lineCount(run, 1);
  renameSync(w.dir.file("debug.log"), w.dir.file("debug.log.1"));
  await aWhile(100);
  expect(run.intake.lines).toEqual(["yes"]);
});

test("a file that is older than ignoreOlderThan is not read, what is added to it is", async () => {
  using w = tailWorld({ ignoreOlderThan: "1h" });
  writeFileSync(w.log, "old\n");
  utimesSync(w.log, 1_000_000, 1_000_000);
  await using run = w.start();
  await until("the file", () => run.reports.length > 0);
  appendFileSync(w.log, "new\n");
  await lineCount(run, 1);
  expect(run.intake.lines).toEqual(["new"]);
});

test("the path of the file is in the header that the config names", async () => {
  using w = tailWorld({ fileHeader: "file" });
  await using run = w.start();
  writeFileSync(w.log, "a\n");
  await lineCount(run, 1);
  expect(run.intake.events[0]?.headers).toEqual({ file: w.log });
});

test("lines are joined into events, and the last one is given after the flush time", async () => {
  using w = tailWorld({ multiline: { continuation: "^\\s", flushAfter: 60 } });
  await using run = w.start();
  appendFileSync(w.log, "a\n  at 1\n  at 2\nb\n  at 3\n");
  await lineCount(run, 2);
  expect(run.intake.lines).toEqual(["a\n  at 1\n  at 2", "b\n  at 3"]);
});

test("while the channel is full nothing is read, and rotated and deleted files are kept until there is room", async () => {
  using w = tailWorld();
  await using run = w.start();
  writeFileSync(w.log, "0\n");
  await lineCount(run, 1);
  run.intake.block();
  for (let round = 1; round <= 5; round++) {
    appendFileSync(w.log, `${round}\n`);
    await until(
      "the file to be held",
      () => JSON.stringify(run.source.status()).split('"unread":2').length - 1,
      (unread) => unread === round,
    );
    renameSync(w.log, `${w.log}.1`);
  }
  await aWhile(100);
  expect(run.intake.lines).toEqual(["0"]);
  run.intake.unblock();
  await lineCount(run, 6);
  expect(run.intake.lines).toEqual(["0", "1", "2", "3", "4", "5"]);
});

test("two files with the same content are two files", async () => {
  using w = tailWorld();
  writeFileSync(w.log, "header\nsame\n");
  writeFileSync(w.dir.file("y.log"), "header\nsame\n");
  await using run = w.start();
  await lineCount(run, 4);
  expect([...run.intake.lines].sort()).toEqual(["header", "header", "same", "same"]);
});

test("a file is known again under another device number", async () => {
  using w = tailWorld();
  const run = w.start();
  writeFileSync(w.log, "one\n");
  await lineCount(run, 1);
  const work = await run.stop();
  for (const [key, value] of work.positions) {
    work.positions.set(key, value.replace(/"device":"\d+"/, '"device":"4242"'));
  }
  appendFileSync(w.log, "two\n");
  await using again = w.start(work);
  await lineCount(again, 2);
  await aWhile(80);
  expect(again.intake.lines).toEqual(["one", "two"]);
});

test("while a disk is not mounted its files are not forgotten", async () => {
  using w = tailWorld();
  const logs = w.dir.file("disk");
  mkdirSync(logs);
  const config = { paths: `${logs}/*.log` };
  const start = (work?: CommittedWork) =>
    runSource({ definition, config: { ...config, pollInterval: 30 }, dataDir: w.dir.path, ...(work ? { work } : {}) });
  const run = start();
  writeFileSync(`${logs}/x.log`, "one\n");
  await lineCount(run, 1);
  const work = await run.stop();
  renameSync(logs, `${logs}.away`);
  const without = start(work);
  await aWhile(100);
  await without.stop();
  renameSync(`${logs}.away`, logs);
  appendFileSync(`${logs}/x.log`, "two\n");
  await using again = start(work);
  await lineCount(again, 2);
  await aWhile(80);
  expect(again.intake.lines).toEqual(["one", "two"]);
});

test("what cannot be looked at does not hide the other files", async () => {
  using w = tailWorld();
  symlinkSync(w.dir.file("a.log"), w.dir.file("b.log"));
  symlinkSync(w.dir.file("b.log"), w.dir.file("a.log"));
  mkdirSync(w.dir.file("c.log"));
  writeFileSync(w.log, "open\n");
  await using run = w.start();
  await lineCount(run, 1);
  expect(run.intake.lines).toEqual(["open"]);
});

test("a flood in one file does not keep the others waiting", async () => {
  using w = tailWorld();
  await using run = w.start();
  writeFileSync(w.dir.file("a.log"), `${"x".repeat(199)}\n`.repeat(60_000));
  writeFileSync(w.dir.file("b.log"), "small\n");
  await until("the small one", () => run.intake.lines.includes("small"), Boolean, { everyMs: 1 });
  expect(run.intake.lines.length).toBeLessThan(30_000);
});

test("files that are read and quiet are closed, and found again when they are written", async () => {
  using w = tailWorld({ idleClose: 100 });
  await using run = w.start();
  writeFileSync(w.log, "one\n");
  await lineCount(run, 1);
  const isOpen = () => readdirSync("/proc/self/fd").some((fd) => linkOf(fd) === w.log);
  await until("the file to be closed", () => !isOpen());
  appendFileSync(w.log, "two\n");
  await lineCount(run, 2);
  expect(run.intake.lines).toEqual(["one", "two"]);
});

test("folders that match a pattern and appear later are found", async () => {
  using w = tailWorld();
  await using run = runSource({
    definition,
    config: { paths: w.dir.file("*/x.log"), pollInterval: 30 },
    dataDir: w.dir.path,
  });
  mkdirSync(w.dir.file("car1"));
  writeFileSync(w.dir.file("car1/x.log"), "one\n");
  await lineCount(run, 1);
  expect(run.intake.lines).toEqual(["one"]);
});

function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The descriptor that the listing itself used.
    return undefined;
  }
}
