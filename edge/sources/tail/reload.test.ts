import { expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "..", "..", "main.ts");

test("a reload that takes a pattern away ends the reading of its files, one that brings it back goes on", async () => {
  using dir = tempDir();
  const port = await freePort();
  const configure = (paths: string) =>
    writeFileSync(
      dir.file("tailgate.yaml"),
      `agent: gw-1
dataDir: data
linger: 10ms
sources:
  logs: { type: tail, paths: ${paths}, pollInterval: 50ms, channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: { type: logger, channel: main }
admin: { address: "127.0.0.1:${port}" }
`,
    );
  const write = (name: string, line: string) => appendFileSync(dir.file(name), `${line}\n`);
  configure("[a.log, b.log]");
  write("a.log", "a1");
  write("b.log", "b1");
  await using child = startChild({ command: [process.execPath, main, "run", "tailgate.yaml"], cwd: dir.path });
  const printed = () => [...child.stdout.matchAll(/"body":"([^"]*)"/g)].map(([, body]) => body);
  const prints = (line: string) => until(`${line} to be printed`, printed, (all) => all.includes(line), withinLong);
  await prints("a1");
  await prints("b1");

  configure("[a.log]");
  child.signal("SIGHUP");
  await child.waitForLine("tail_files_unnamed", 20_000);
  write("b.log", "b2");
  write("a.log", "a2");
  await prints("a2");
  const status = await (await fetch(`http://127.0.0.1:${port}/status`)).text();
  expect(status).toContain(`"unnamed":[{"path":"${dir.file("b.log")}","offset":3,"size":3}]`);
  expect(printed().sort()).toEqual(["a1", "a2", "b1"]);

  configure("[a.log, b.log]");
  child.signal("SIGHUP");
  await prints("b2");
  write("b.log", "b3");
  await prints("b3");
  expect(printed().sort()).toEqual(["a1", "a2", "b1", "b2", "b3"]);
}, 40_000);

const withinLong = { withinMs: 20_000 };
