/** What was lost before it could be read: counted where that can be proven, said where it cannot. */
import { expect, test } from "bun:test";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Report } from "../../../shared/telemetry/log.ts";
import { until } from "../../../shared/testing/until.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

test("a log that was seen with bytes and removed before it could be opened is counted as lost", async () => {
  using w = tailWorld();
  const [first, second] = [w.dir.file("a.log"), w.dir.file("b.log")];
  for (const path of [first, second]) writeFileSync(path, "one\n");
  // Said in the middle of a look: the other one was seen, and is not opened yet.
  const report: Report = ({ name }, fields = {}) => {
    if (name === "tail_file_found") rmSync(fields.path === first ? second : first, { force: true });
  };
  await using run = w.start(undefined, { report });
  await until("the loss", () => run.intake.counter("lost_at_source") > 0);
  await Bun.sleep(100);
  expect(run.intake.counter("lost_at_source")).toBe(4);
  expect(run.intake.lines).toEqual(["one"]);
  expect([first, second].filter(existsSync)).toHaveLength(1);
});

test("one that was only renamed meanwhile is read, and nothing is counted", async () => {
  using w = tailWorld();
  const [first, second] = [w.dir.file("a.log"), w.dir.file("b.log")];
  writeFileSync(first, "a\n");
  writeFileSync(second, "b\n");
  const report: Report = ({ name }, fields = {}) => {
    const other = fields.path === first ? second : first;
    if (name === "tail_file_found" && existsSync(other) && !existsSync(`${first}.1`) && !existsSync(`${second}.1`)) {
      renameSync(other, `${other}.1`);
      writeFileSync(other, "new\n");
    }
  };
  await using run = w.start(undefined, { report });
  await sees(run, ["a", "b", "new"]);
  expect(run.intake.counter("lost_at_source")).toBe(0);
});

test("more rotations while it was down than files are kept are said; fewer are not", async () => {
  using w = tailWorld();
  writeFileSync(w.log, `one ${"x".repeat(80)}\n`);
  const lines = [`one ${"x".repeat(80)}`];
  let run = w.start();
  await sees(run, lines);
  let work = await run.stop();
  // Rotated once and twice: the file that was known is there.
  for (const line of ["two", "three"]) {
    if (existsSync(`${w.log}.1`)) renameSync(`${w.log}.1`, `${w.log}.2`);
    renameSync(w.log, `${w.log}.1`);
    writeFileSync(w.log, `${line} ${"x".repeat(80)}\n`);
    lines.push(`${line} ${"x".repeat(80)}`);
  }
  run = w.start(work);
  await sees(run, lines);
  expect(said(run, "tail_rotations_unseen")).toEqual([]);
  work = await run.stop();
  // Rotated so often that all that was known is gone.
  const names = ["x.log.2", "x.log.1", "x.log"];
  for (const name of names) {
    writeFileSync(w.dir.file(`new ${name}`), `${name} ${"x".repeat(80)}\n`);
    lines.push(`${name} ${"x".repeat(80)}`);
  }
  for (const name of names) renameSync(w.dir.file(`new ${name}`), w.dir.file(name));
  run = w.start(work);
  await sees(run, lines);
  expect(said(run, "tail_rotations_unseen").map(({ fields }) => fields)).toEqual([{ path: w.log, found: 2 }]);
  expect(run.intake.counter("rotations_unseen")).toBe(1);
  await run.stop();
});
