import { expect, test } from "bun:test";
import { appendFileSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../../shared/random/random.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../main.ts");

test("killed with -9 again and again while it writes: every line is in the files once, in order", async () => {
  using dir = tempDir();
  writeFileSync(
    dir.file("tailgate.yaml"),
    `agent: gw-1
dataDir: data
linger: 5ms
sources:
  a: { type: tail, paths: ["a.log"], pollInterval: 50ms, channels: main }
channels:
  main: { type: sqlite, freeDisk: 0, batchSize: 4KiB }
sinks:
  lake: { type: file_roll, channel: main, directory: lake, file: "%{stream}.log", rollBytes: 64KiB }
`,
  );
  const random = seededRandom(17);
  let written = 0;
  const append = (count: number) => {
    const lines = Array.from(
      { length: count },
      () => `line ${written++} ${"x".repeat(Math.floor(random.next() * 100))}\n`,
    );
    appendFileSync(dir.file("a.log"), lines.join(""));
  };
  const found = () => numbersIn(dir.file("lake"));
  append(2_000);
  for (let kill = 0; kill < 6; kill++) {
    const before = found().length;
    await using child = startChild({ command: [process.execPath, main, "run", "tailgate.yaml"], cwd: dir.path });
    await until("the sink to write", () => found().length > before, Boolean, { withinMs: 20_000, everyMs: 2 });
    for (let burst = Math.floor(random.next() * 5); burst > 0; burst--) append(400);
    await Bun.sleep(random.next() * 30);
    await child.kill();
    append(200);
  }
  await using child = startChild({ command: [process.execPath, main, "run", "tailgate.yaml"], cwd: dir.path });
  await until("all lines", () => found().length >= written, Boolean, { withinMs: 30_000 });
  await child.stop();
  expect(found()).toEqual(Array.from({ length: written }, (_, n) => n));
}, 120_000);

/** Numbers of the lines in all files, file by file in the order they were begun. */
function numbersIn(lake: string): readonly number[] {
  const serial = (file: string) => Number(/~(\d+)$/.exec(file)?.[1]);
  return globSync(".in-progress/*/*", { cwd: lake })
    .sort((a, b) => serial(a) - serial(b))
    .flatMap((file) => readFileSync(join(lake, file), "utf8").split("\n").slice(0, -1))
    .map((line) => Number(/^line (\d+) x*$/.exec(line)?.[1]));
}
