/** More files than may be open, and where a first look begins in them. */
import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

test("more empty files than may be open are watched without holding them, and what comes is read", async () => {
  using w = tailWorld({ openFilesMax: 20 });
  const name = (index: number) => w.dir.file(`${index}.log`);
  for (let index = 0; index < 200; index++) writeFileSync(name(index), index % 3 === 0 ? "half" : "");
  await using run = w.start();
  await until("all files", () => said(run, "tail_file_found").length === 200);
  expect(heldBelow(w.dir.path)).toBeLessThanOrEqual(20);
  const expected: string[] = [];
  for (let index = 0; index < 200; index++) {
    appendFileSync(name(index), `${index}\n`);
    expected.push(index % 3 === 0 ? `half${index}` : String(index));
  }
  await sees(run, expected);
  expect(heldBelow(w.dir.path)).toBeLessThanOrEqual(20);
});

test("a closed file that is written anew, shorter or of the same length, is read", async () => {
  using w = tailWorld({ idleClose: 100, pollInterval: 40 });
  const lines = ["a line that is longer than those that come later"];
  writeFileSync(w.log, `${lines[0]}\n`);
  await using run = w.start();
  for (const next of ["short", "SHORT", "short and then longer"]) {
    await sees(run, lines);
    await until("it is closed", () => heldBelow(w.dir.path) === 0);
    writeFileSync(w.log, `${next}\n`);
    lines.push(next);
  }
  await sees(run, lines);
});

test("start: end holds for more files than may be open", async () => {
  using w = tailWorld({ start: "end", openFilesMax: 10 });
  for (let index = 0; index < 150; index++) writeFileSync(w.dir.file(`${index}.log`), "old\n");
  await using run = w.start();
  await until("all files", () => said(run, "tail_file_found").length === 150);
  await Bun.sleep(150);
  for (let index = 0; index < 150; index++) appendFileSync(w.dir.file(`${index}.log`), `${index}\n`);
  await sees(
    run,
    Array.from({ length: 150 }, (_, index) => String(index)),
  );
});

test("start: end: the files of a folder that is made after the start are new", async () => {
  using w = tailWorld();
  await using run = runSource({
    definition,
    config: { paths: [w.dir.file("later/*.log"), w.dir.file("*/y.log")], start: "end", pollInterval: 30 },
    dataDir: w.dir.path,
  });
  await Bun.sleep(100);
  mkdirSync(w.dir.file("new"));
  writeFileSync(w.dir.file("new/x.log"), "first\n");
  writeFileSync(w.dir.file("new/y.log"), "also\n");
  renameSync(w.dir.file("new"), w.dir.file("later"));
  await sees(run, ["first", "also"]);
});

function heldBelow(path: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${path}/`);
    } catch {
      // The descriptor that the listing itself used.
      return false;
    }
  }).length;
}
