/** Between the last line of a file and what is done with it: kills, writers, and names that come again. */
import { expect, test } from "bun:test";
import { closeSync, existsSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { spoolWorld as world } from "./testing/spool-world.ts";

test("a file whose lines are durable and that was not yet renamed when the agent was killed is not read again", async () => {
  using w = world();
  const run = w.start();
  w.put("a.csv", "one\ntwo\n");
  await until("the commit", () => run.intake.work.lines.length === 2);
  const work = await run.crash();
  if (existsSync(w.path("a.csv.COMPLETED"))) renameSync(w.path("a.csv.COMPLETED"), w.path("a.csv"));
  const stat = statSync(w.path("a.csv"), { bigint: true });
  work.positions.set(
    "a.csv",
    JSON.stringify({
      inode: stat.ino.toString(),
      size: Number(stat.size),
      mtimeNs: stat.mtimeNs.toString(),
      offset: 8,
      state: "done",
    }),
  );
  await using again = w.start(work);
  await until("the rename", () => existsSync(w.path("a.csv.COMPLETED")));
  expect(again.intake.lines).toEqual(["one", "two"]);
});

test("with delete, a name that comes again is a new file, also when the agent was killed before it forgot the first", async () => {
  using w = world({ done: "delete" });
  const run = w.start();
  w.put("a.csv", "one\n");
  await until("the line", () => run.intake.work.lines.length === 1);
  const done = [...run.intake.work.positions];
  await until("the end", () => !existsSync(w.path("a.csv")));
  const work = await run.crash();
  for (const [key, position] of done) work.positions.set(key, position.replace('"reading"', '"done"'));
  expect(work.positions.get("a.csv")).toContain('"done"');
  w.put("kept", "so that the new file does not get the old one's inode\n");
  w.put("a.csv", "two\n");
  await using again = w.start(work);
  await until("the second", () => again.intake.work.lines.includes("two"));
  await until("the end", () => w.names().length === 0);
  expect(again.intake.counter("spool_file_changed")).toBe(0);
});

test("with delete, a name that comes again is a new file, also when it got the inode of the first", async () => {
  using w = world({ done: "delete" });
  const run = w.start();
  w.put("a.csv", "one\n");
  await until("the line", () => run.intake.work.lines.length === 1);
  const known = JSON.parse(run.intake.work.positions.get("a.csv") ?? "{}");
  await until("the end", () => !existsSync(w.path("a.csv")));
  const work = await run.crash();
  w.put("a.csv", "two\n");
  // As the file system does it when no other file takes the inode first.
  const inode = statSync(w.path("a.csv"), { bigint: true }).ino.toString();
  work.positions.set("a.csv", JSON.stringify({ ...known, inode, state: "done" }));
  await using again = w.start(work);
  await until("the second", () => again.intake.work.lines.includes("two") || w.names().includes("a.csv.ERROR"));
  expect(again.intake.lines).toEqual(["one", "two"]);
});

test("a file that was done before a kill, and is written on just before it is put away: the late bytes are said", async () => {
  using w = world({ done: "delete" });
  const run = w.start();
  w.put("a.csv", "one\n");
  await until("the line", () => run.intake.work.lines.length === 1);
  const done = run.intake.work.positions.get("a.csv")?.replace('"reading"', '"done"') ?? "";
  await until("the end", () => !existsSync(w.path("a.csv")));
  const work = await run.crash();
  w.put("a.csv", "one\n");
  const { ino, mtimeNs, birthtimeNs } = statSync(w.path("a.csv"), { bigint: true });
  const now = { inode: `${ino}`, mtimeNs: `${mtimeNs}`, bornNs: `${birthtimeNs}` };
  work.positions.set("a.csv", JSON.stringify({ ...JSON.parse(done), ...now }));
  // Its writer still has it open.
  const fd = openSync(w.path("a.csv"), "a");
  await using again = w.start(work);
  await until("the end", () => !existsSync(w.path("a.csv")));
  writeSync(fd, "two\n");
  closeSync(fd);
  await until("the word", () => again.reports.some(({ signal }) => signal === "spool_file_written_late"));
  expect(again.intake.lines).toEqual(["one"]);
});

test("a file that is written on after it was done is said, and its late bytes are counted", async () => {
  using w = world();
  await using run = w.start();
  const fd = openSync(w.path("a.csv"), "a");
  writeSync(fd, "one\n");
  await until("the rename", () => existsSync(w.path("a.csv.COMPLETED")));
  writeSync(fd, "two\nthree\n");
  await until("the word", () => run.reports.some(({ signal }) => signal === "spool_file_written_late"));
  expect(run.intake.counter("lost_at_source")).toBe(10);
  expect(JSON.stringify(run.source.status().errors)).toContain("at least 10 bytes are not read");
  // What comes after the word is counted when the look ends, here with the source.
  writeSync(fd, "four\nfive\n");
  closeSync(fd);
  await run.stop();
  expect(run.intake.counter("lost_at_source")).toBe(20);
  expect(JSON.stringify(run.source.status().errors)).toContain("at least 20 bytes are not read");
});
