/** More files than the process may have open, all of them written and rotated at once, under a real agent. */
import { expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
/** A quarter of the files. */
const descriptorsMax = 256;
const files = 1_000;

test("four times as many files as descriptors, written and rotated at once: each line once, and soon", async () => {
  using dir = tempDir();
  mkdirSync(dir.file("L"));
  const port = await freePort();
  writeFileSync(
    dir.file("tailgate.yaml"),
    `agent: gw-1
dataDir: data
linger: 10ms
sources:
  a: { type: tail, paths: ["L/*.log"], channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: { type: file_roll, directory: lake, channel: main }
admin: { address: "127.0.0.1:${port}" }
`,
  );
  const log = (index: number) => dir.file(`L/${index}.log`);
  const written: string[] = [];
  const write = (path: string, line: string) => {
    written.push(line);
    appendFileSync(path, `${line}\n`);
  };
  const arrived = () =>
    existsSync(dir.file("lake"))
      ? readdirSync(dir.file("lake"), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .flatMap((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8").split("\n"))
          .filter((line) => line !== "")
      : [];
  // A folder of this size is polled once in minutes: what is only found by polling is late.
  const allArrive = () =>
    until(
      `${written.length} lines`,
      () => arrived().length,
      (count) => count >= written.length,
      { withinMs: 60_000, everyMs: 200 },
    );
  for (let index = 0; index < files; index++) writeFileSync(log(index), "");
  const command = ["prlimit", `--nofile=${descriptorsMax}:${descriptorsMax}`, process.execPath, main, "run"];
  await using agent = startChild({ name: "edge", command: [...command, dir.file("tailgate.yaml")], cwd: dir.path });
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < files; index++) write(log(index), `file ${index} round ${round} first`);
    await allArrive();
    for (let index = 0; index < files; index++) {
      write(log(index), `file ${index} round ${round} last`);
      renameSync(log(index), `${log(index)}.${round}`);
      write(log(index), `file ${index} round ${round} new`);
    }
    await allArrive();
  }
  expect(arrived().sort()).toEqual(written.sort());
  expect(agent.stderr).not.toContain("EMFILE");
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  expect(await agent.stop()).toMatchObject({ code: 0 });
}, 400_000);
