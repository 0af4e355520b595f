/** A watch says what happens from its first moment on: with polling far away nothing is missed. */
import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import type { Report } from "../../../shared/telemetry/log.ts";
import { until } from "../../../shared/testing/until.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { tailWorld } from "./testing/tail-world.ts";

const folders = 100;

test("files that another process makes while watches are being added are read without waiting for a poll", async () => {
  using w = tailWorld();
  for (let index = 0; index < folders; index++) mkdirSync(w.dir.file(`d${index}`));
  // Each folder gets its file, one line, once: nothing comes later that would tell of it.
  const script = 'cd "$1"; echo ready; read -r go; for i in $(seq 0 $(($2 - 1))); do echo "line $i" > d$i/x.log; done';
  const writer = Bun.spawn(["bash", "-c", script, "bash", w.dir.path, String(folders)], {
    stdin: "pipe",
    stdout: "pipe",
  });
  await writer.stdout.getReader().read();
  writer.stdin.write("go\n");
  writer.stdin.end();
  await using run = runSource({
    definition,
    config: { paths: w.dir.file("*/x.log"), pollInterval: 60_000 },
    dataDir: w.dir.path,
  });
  await until("all lines", () => run.intake.lines.length === folders, Boolean, { withinMs: 15_000 });
  expect(new Set(run.intake.lines).size).toBe(folders);
  await writer.exited;
}, 30_000);

test("a file that comes while a folder is looked at for the first time is read without waiting for a poll", async () => {
  using w = tailWorld({ pollInterval: 60_000 });
  writeFileSync(w.log, "one\n");
  // Said in the middle of the look: the names were read, and what follows comes after that.
  const report: Report = ({ name }) => {
    if (name === "tail_file_found") writeFileSync(w.dir.file("y.log"), "two\n");
  };
  await using run = w.start(undefined, { report });
  await until("both lines", () => run.intake.lines.length === 2);
  expect([...run.intake.lines].sort()).toEqual(["one", "two"]);
}, 15_000);
