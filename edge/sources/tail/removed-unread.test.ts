import { expect, test } from "bun:test";
import { appendFileSync, copyFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { linesOf, numbered, said, sees, tailWorld } from "./testing/tail-world.ts";

test("a log with a line that nobody has read yet is removed, and the next one is copied and truncated: its line comes first", async () => {
  using w = tailWorld({}, "x.log");
  writeFileSync(w.log, "");
  await using run = w.start();
  const found = (count: number) => until("a look", () => said(run, "tail_file_found").length >= count);
  await found(1);
  run.intake.block();
  // Too little to know the file by, and held open.
  appendFileSync(w.log, "short\n");
  await Bun.sleep(60);
  rmSync(w.log);
  appendFileSync(w.log, numbered("second", 20));
  await found(2);
  await Bun.sleep(60);
  copyFileSync(w.log, `${w.log}.1`);
  truncateSync(w.log);
  appendFileSync(w.log, numbered("third", 20));
  await until("the copy to be found", () => said(run, "tail_copy_found").length > 0);
  await Bun.sleep(60);
  run.intake.unblock();
  const lines = linesOf("short\n", numbered("second", 20), numbered("third", 20));
  await sees(run, lines);
  expect(run.intake.lines).toEqual(lines);
});
