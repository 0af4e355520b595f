/** A channel file that is found damaged under a real agent: what it says, how it ends, and that the next start goes on. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openWritten, spec, work } from "../../../edge/channels/sqlite/testing/writer.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
const pageBytes = 4096;

/** `delivers`: the sink takes what is held; else its destination is away, and nobody reads a batch. */
function writeConfig(dir: TempDir, port: number, delivers: boolean): readonly string[] {
  const sink = delivers
    ? "{ type: file_roll, directory: lake, channel: main }"
    : "{ type: syslog, channel: main, hostname: 127.0.0.1, port: 1 }";
  writeFileSync(
    dir.file("tailgate.yaml"),
    `agent: agent
dataDir: data
linger: 10ms
sources:
  a: { type: tail, paths: ["*.log"], pollInterval: 100ms, channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: ${sink}
admin: { address: "127.0.0.1:${port}" }
`,
  );
  return [process.execPath, main, "run", dir.file("tailgate.yaml")];
}

function writeHeld(dir: TempDir): void {
  const store = openWritten(dir.file("data"));
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  for (let commit = 0; commit < 6; commit++) store.commit(work(lane, channel.nextSeq(lane), 20));
  store.close();
}

/** Zeroes pages below the root of a table, which no start looks at: the root itself, or its right-most child. */
function zero(dir: TempDir, table: string, what: "root" | "right-most"): void {
  const db = new Database(dir.file("data/channel.db"), { readonly: true });
  const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck().get(table));
  db.close();
  const bytes = readFileSync(dir.file("data/channel.db"));
  const child = bytes.readUInt32BE((root - 1) * pageBytes + 8);
  const page = what === "root" ? root : child;
  bytes.fill(0, (page - 1) * pageBytes, page * pageBytes);
  writeFileSync(dir.file("data/channel.db"), bytes);
}

test.each<[string, string, "root" | "right-most", boolean]>([
  ["the rows of batches, by delivering", "batch", "right-most", true],
  ["the rows of batches, by reading a log", "batch", "right-most", false],
  ["the bodies, by delivering", "body", "root", true],
  ["the bodies, by reading a log", "body", "root", false],
])(
  "damage found while it runs is said with what happens next, and exit code 1; the next start goes on: %s",
  async (_what, table, which, delivers) => {
    using dir = tempDir();
    const port = await freePort();
    const command = writeConfig(dir, port, delivers);
    writeHeld(dir);
    writeFileSync(dir.file("a.log"), "one\ntwo\n");
    zero(dir, table, which);
    {
      await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
      const exit = await Promise.race([child.exited, Bun.sleep(20_000).then(() => "still running")]);
      expect(child.stderr).toContain("SQLITE_CORRUPT");
      expect(child.stderr).toContain(
        "[EDGE_CHANNEL_DAMAGED]\n  The channel file is damaged. The next start renames it",
      );
      expect(child.stderr).not.toMatch(/uncaught|unhandled|A bug of Tailgate|\n {4}at /);
      expect(exit).toMatchObject({ code: 1 });
    }
    await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
    await child.waitForLine("channel_rebuilt", 20_000);
    await child.waitForLine("agent_started", 20_000);
    expect(await child.stop()).toMatchObject({ code: 0 });
  },
  60_000,
);
