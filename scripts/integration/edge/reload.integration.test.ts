/** Reloads of a real process with a real channel file, while its destination is away. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
const files = 6;
const linesPerFile = 5_000;

interface Changes {
  readonly publishAfter: string;
  readonly capacity: string;
  readonly pollInterval?: string;
}

/** Lines of 1 KB fill 16 MiB long before all 30,000 are read. */
function configOf(port: number, changes: Changes): string {
  return `agent: gw-1
dataDir: data
linger: 20ms
sources:
  a: { type: tail, paths: ["logs/*.log"], pollInterval: ${changes.pollInterval ?? "100ms"}, channels: main }
channels:
  main: { type: sqlite, freeDisk: 0, capacity: ${changes.capacity}, compression: none }
sinks:
  out: { type: file_roll, directory: lake, publishAfter: ${changes.publishAfter}, channel: main }
admin: { address: "127.0.0.1:${port}" }
`;
}

const line = (number: number) => `line ${number} ${"x".repeat(1_000)}`;

function linesIn(folder: string): readonly string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8").split("\n"))
    .filter((text) => text.startsWith("line "))
    .map((text) => text.slice(0, text.indexOf(" ", 5)));
}

test.each<[string, Changes]>([
  ["a certificate is renewed, or whatever a sink's config changes", { publishAfter: "70s", capacity: "16MiB" }],
  ["the full channel gets more room", { publishAfter: "60s", capacity: "24MiB" }],
  ["the source itself is made anew", { publishAfter: "60s", capacity: "16MiB", pollInterval: "150ms" }],
])(
  "a reload in an outage, the channel full and its rotated logs deleted while they were held open, loses no line: %s",
  async (_what, changed) => {
    using dir = tempDir();
    const port = await freePort();
    const config = dir.file("tailgate.yaml");
    writeFileSync(config, configOf(port, { publishAfter: "60s", capacity: "16MiB" }));
    writeFileSync(dir.file("lake"), "a plain file where the folder belongs: the destination is away");
    const logs = dir.file("logs");
    mkdirSync(logs);
    await using child = startChild({
      command: [process.execPath, main, "run", config],
      cwd: dir.path,
      name: "tailgate",
    });
    const status = async () => (await fetch(`http://127.0.0.1:${port}/status`)).text();
    for (let file = 0; file < files; file++) {
      const numbers = Array.from({ length: linesPerFile }, (_, index) => file * linesPerFile + index);
      appendFileSync(join(logs, "a.log"), numbers.map((number) => `${line(number)}\n`).join(""));
      await until("the file to be followed", status, (text) => text.includes(`"path":"${logs}/a.log"`), {
        withinMs: 20_000,
      });
      renameSync(join(logs, "a.log"), join(logs, `a.log.${file}`));
      await until("the rotation to be seen", status, (text) => text.includes(`a.log.${file}"`), { withinMs: 20_000 });
    }
    await until("the channel to be full", status, (text) => text.includes('"admission":"blocked"'), {
      withinMs: 20_000,
    });
    for (const name of readdirSync(logs)) rmSync(join(logs, name));
    await until("the deletions to be seen", status, (text) => text.includes('"deleted":true'), { withinMs: 20_000 });
    writeFileSync(config, configOf(port, changed));
    child.signal("SIGHUP");
    await child.waitForLine("config_reloaded", 20_000);
    rmSync(dir.file("lake"));
    const wanted = files * linesPerFile;
    const arrived = await until(
      "all lines to arrive",
      () => linesIn(dir.file("lake")),
      (lines) => lines.length >= wanted,
      {
        withinMs: 60_000,
        everyMs: 500,
      },
    );
    expect(arrived).toHaveLength(wanted);
    expect(new Set(arrived).size).toBe(wanted);
    expect(child.stderr).not.toContain("tail_lost_at_source");
    expect(await child.stop()).toMatchObject({ code: 0 });
  },
  180_000,
);
