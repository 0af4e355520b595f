/** A folder that may not be entered for a while, under a real agent that is not root. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
const closedMs = 4_000;

function writeConfig(dir: TempDir, path: string, port: number): readonly string[] {
  writeFileSync(
    dir.file("tailgate.yaml"),
    `agent: gw-1
dataDir: state/data
linger: 10ms
sources:
  a: { type: tail, paths: ["${path}"], pollInterval: 100ms, channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: { type: file_roll, directory: state/lake, channel: main }
admin: { address: "127.0.0.1:${port}" }
`,
  );
  const nobody = process.geteuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  return [...nobody, process.execPath, main, "run", dir.file("tailgate.yaml")];
}

/** The lines of the destination; it lies in a folder of the agent's own. */
function arrived(dir: TempDir): readonly string[] {
  const lake = dir.file("state/lake");
  if (!existsSync(lake)) return [];
  return readdirSync(lake, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8").split("\n"))
    .filter((line) => line !== "");
}

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `line ${from + index}`);

test.each([
  ["one log, by its name", "app/x.log", 1],
  ["a pattern", "*/x.log", 1],
  ["a pattern of any depth, in a busy folder", "**/*.log", 20],
])(
  "a folder closed for 4 s and open again: each line once, and a stop ends the agent (%s)",
  async (_what, pattern, writes) => {
    using dir = tempDir();
    chmodSync(dir.path, 0o755);
    mkdirSync(dir.file("state"));
    chmodSync(dir.file("state"), 0o777);
    mkdirSync(dir.file("L/app"), { recursive: true });
    const log = dir.file("L/app/x.log");
    const write = (from: number, to: number) => appendFileSync(log, `${lines(from, to).join("\n")}\n`);
    const port = await freePort();
    const command = writeConfig(dir, dir.file(`L/${pattern}`), port);
    const come = (count: number) =>
      until(
        `${count} lines`,
        () => arrived(dir),
        (all) => all.length >= count,
        { withinMs: 20_000 },
      );
    write(0, 100);
    {
      await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
      await come(100);
      expect(await child.stop()).toMatchObject({ code: 0 });
    }
    await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
    write(100, 200);
    await come(200);
    // In short steps: what the watch makes of that differs from one large write.
    for (let step = 0; step < writes; step++) {
      write(200 + step, 201 + step);
      await Bun.sleep(5);
    }
    chmodSync(dir.file("L"), 0o700);
    await child.waitForLine("tail_left_out");
    const status = await (await fetch(`http://127.0.0.1:${port}/status`)).text();
    expect(status).toContain(`"path":"${dir.file("L")}`);
    await Bun.sleep(closedMs);
    chmodSync(dir.file("L"), 0o755);
    const total = 200 + writes + 10;
    write(200 + writes, total);
    await come(total);
    // What is repeated would come with the next looks.
    await Bun.sleep(500);
    expect([...arrived(dir)].sort()).toEqual([...lines(0, total)].sort());
    expect(await child.stop(10_000)).toMatchObject({ code: 0 });
    expect(child.stderr).not.toContain("tail_lost_at_source");
  },
  90_000,
);

test("a log that is named by its path is read in a folder that may be entered and not listed, and so after a rotation", async () => {
  using dir = tempDir();
  chmodSync(dir.path, 0o755);
  mkdirSync(dir.file("state"));
  chmodSync(dir.file("state"), 0o777);
  mkdirSync(dir.file("L/app"), { recursive: true });
  const log = dir.file("L/app/x.log");
  const write = (from: number, to: number) => appendFileSync(log, `${lines(from, to).join("\n")}\n`);
  const come = (count: number) =>
    until(
      `${count} lines`,
      () => arrived(dir),
      (all) => all.length >= count,
      { withinMs: 20_000 },
    );
  write(0, 100);
  chmodSync(dir.file("L/app"), 0o711);
  const port = await freePort();
  const command = writeConfig(dir, log, port);
  {
    await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
    await come(100);
    const status = await (await fetch(`http://127.0.0.1:${port}/status`)).text();
    expect(status).toContain("it may not be listed");
    write(100, 150);
    await come(150);
    renameSync(log, `${log}.1`);
    write(150, 200);
    await come(200);
    expect(await child.stop()).toMatchObject({ code: 0 });
  }
  await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
  write(200, 250);
  await come(250);
  expect(arrived(dir).toSorted()).toEqual(lines(0, 250).toSorted());
  expect(await child.stop()).toMatchObject({ code: 0 });
}, 100_000);
