import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { LogWriter } from "./log-writer.ts";

test("lines arrive whole and in order", async () => {
  using dir = tempDir();
  const file = openSync(dir.file("log"), "a");
  const log = new LogWriter(file);
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index}\n`);
  for (const line of lines) log.write(line);
  await log.flush(10_000);
  closeSync(file);
  expect(readFileSync(dir.file("log"), "utf8")).toBe(lines.join(""));
  expect(log.lost).toBe(0);
});

test("what one turn of the loop writes to a file is all there, however much", async () => {
  using dir = tempDir();
  const file = openSync(dir.file("log"), "a");
  const log = new LogWriter(file);
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${"x".repeat(90)}\n`);
  for (const line of lines) log.write(line);
  await log.flush(20_000);
  closeSync(file);
  expect(readFileSync(dir.file("log"), "utf8")).toBe(lines.join(""));
  expect(log.lost).toBe(0);
});

test("a standard error that was closed costs lines and nothing else", async () => {
  const descriptor = openSync("/dev/null", "w");
  closeSync(descriptor);
  const log = new LogWriter(descriptor);
  log.write("one\n");
  await log.flush(10_000);
  expect(log.lost).toBe(1);
});

test("a full disk costs lines and nothing else; how many is said", async () => {
  const file = openSync("/dev/full", "w");
  const log = new LogWriter(file);
  for (let round = 0; round < 3; round++) {
    log.write("one\n");
    await log.flush(10_000);
  }
  expect(log.lost).toBe(3);
  closeSync(file);
});

test("what nobody reads is bounded; when it is read again the gap is said", async () => {
  using dir = tempDir();
  Bun.spawnSync(["mkfifo", dir.file("pipe")]);
  // Open both ways: it neither waits for a reader nor breaks for want of one.
  const pipe = openSync(dir.file("pipe"), "r+");
  const log = new LogWriter(pipe);
  for (let index = 0; index < 20_000; index++) log.write(`${"x".repeat(99)}\n`);
  expect(log.lost).toBeGreaterThan(15_000);
  await log.flush(20);
  let read = "";
  const reader = Bun.spawn(["cat", dir.file("pipe")], { stdout: "pipe" });
  void (async () => {
    for await (const chunk of reader.stdout) read += new TextDecoder().decode(chunk);
  })();
  await until("the gap to be said", () => /\d+ lines of this log were lost/.test(read));
  reader.kill();
  closeSync(pipe);
});
