import { test } from "bun:test";
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { openCount } from "./open-count.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

const text = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name} ${index} ${"x".repeat(60)}\n`).join("");

test("a folder is renamed and another made in its place: the closed files of the old one go on where they are", async () => {
  using w = tailWorld({ pollInterval: 1_500, openFilesMax: 1 }, "*/*.log");
  const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
  mkdirSync(w.dir.file("a"));
  writeFileSync(log("a"), text("old", 20));
  writeFileSync(log("a", "y.log"), text("other", 20));
  await using run = w.start();
  const expected = [text("old", 20), text("other", 20)];
  const lines = () => expected.join("").trimEnd().split("\n");
  await sees(run, lines());
  await until("they are closed", () => openCount.now <= 1);
  renameSync(w.dir.file("a"), w.dir.file("b"));
  mkdirSync(w.dir.file("a"));
  writeFileSync(log("a"), text("new", 20));
  // The watch of the old folder tells of it under its old name, long before the new one is looked for.
  appendFileSync(log("b"), "late\n");
  expected.push(text("new", 20), "late\n");
  await sees(run, lines());
  await until("the move", () => said(run, "tail_moved_here").length === 2);
  await sees(run, lines());
});

test("a folder takes another's place while the agent is down: a generation of it that nobody read is read", async () => {
  using w = tailWorld({}, "{a,b}/*.log");
  const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
  for (const folder of ["a", "b"]) mkdirSync(w.dir.file(folder));
  writeFileSync(log("a"), text("a", 20));
  const first = w.start();
  await sees(first, text("a", 20).trimEnd().split("\n"));
  const work = await first.stop();
  writeFileSync(log("b"), text("b", 20));
  renameSync(log("b"), log("b", "x.log.1"));
  writeFileSync(log("b"), text("b again", 20));
  for (const [from, to] of [
    ["a", "between"],
    ["b", "a"],
    ["between", "b"],
  ] as const)
    renameSync(w.dir.file(from), w.dir.file(to));
  await using again = w.start(work);
  await sees(again, [text("a", 20), text("b", 20), text("b again", 20)].join("").trimEnd().split("\n"));
});
