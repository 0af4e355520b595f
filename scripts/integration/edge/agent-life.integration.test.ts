/** The life of a real process: how it starts, what may not end it, how it ends and what it says of that. */
import { expect, test } from "bun:test";
import { appendFileSync, chmodSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");

function writeConfig(dir: TempDir, port: number, channel = "freeDisk: 0"): readonly string[] {
  writeFileSync(
    dir.file("tailgate.yaml"),
    `agent: gw-1
dataDir: data
linger: 10ms
sources:
  a: { type: tail, paths: ["*.log"], pollInterval: 100ms, channels: main }
channels:
  main: { type: sqlite, ${channel} }
sinks:
  out: { type: file_roll, directory: lake, channel: main }
admin: { address: "127.0.0.1:${port}" }
`,
  );
  return [process.execPath, main, "run", dir.file("tailgate.yaml")];
}

function arrived(dir: TempDir): string {
  if (!existsSync(dir.file("lake"))) return "";
  return readdirSync(dir.file("lake"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("");
}

const ready = (port: number) =>
  until("it to be ready", async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, Boolean, {
    withinMs: 20_000,
  });

test.each([
  ["the reader of its log is gone", (): "pipe" => "pipe"],
  ["the disk of its log is full", () => openSync("/dev/full", "w")],
])(
  "nothing about its own log ends or stops it: %s",
  async (_what, stderr) => {
    using dir = tempDir();
    const port = await freePort();
    const command = writeConfig(dir, port);
    const child = Bun.spawn([...command], { cwd: dir.path, stdin: "ignore", stdout: "ignore", stderr: stderr() });
    try {
      await ready(port);
      if (child.stderr instanceof ReadableStream) await child.stderr.cancel();
      for (let round = 0; round < 3; round++) {
        // Each says something.
        child.kill("SIGHUP");
        appendFileSync(dir.file("a.log"), `round ${round}\n`);
        await until("the line to arrive", () => arrived(dir).includes(`round ${round}\n`), Boolean, {
          withinMs: 20_000,
        });
      }
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(Number(/tailgate_log_lines_lost_total (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(0);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  },
  60_000,
);

/** Whether a process catches SIGHUP, or ignores it: the signal's bit in the masks of proc_pid_status(5). */
function isSafe(pid: number, mask: "SigCgt" | "SigIgn"): boolean {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return (BigInt(`0x${new RegExp(`${mask}:\\s*(\\w+)`).exec(text)?.[1]}`) & 1n) === 1n;
}

test.each([
  ["caught from its first line on", "SigCgt", (command: readonly string[]) => command],
  [
    "ignored by its parent until then",
    "SigIgn",
    (command: readonly string[]) => ["sh", "-c", `trap '' HUP; exec "$@"`, "sh", ...command],
  ],
] as const)(
  "a SIGHUP at any moment of the start reloads and does not end it: %s",
  async (_what, mask, wrap) => {
    using dir = tempDir();
    const port = await freePort();
    const command = wrap(writeConfig(dir, port));
    for (let early = false; !early; ) {
      await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
      await until("SIGHUP to be safe", () => isSafe(child.pid, mask), Boolean, { everyMs: 1, withinMs: 20_000 });
      child.signal("SIGHUP");
      // On a busy machine we may be late, and the next start is looked at.
      early = !child.stderr.includes("tailgate_starting");
      const every = setInterval(() => child.signal("SIGHUP"), 20);
      await child.waitForLine("agent_started", 20_000);
      await child.waitForLine("config_reloaded", 20_000);
      clearInterval(every);
      appendFileSync(dir.file("a.log"), "alive\n");
      await until("the line to arrive", () => arrived(dir).includes("alive"), Boolean, { withinMs: 20_000 });
      expect(await child.stop()).toMatchObject({ code: 0 });
    }
  },
  120_000,
);

test("a second agent on the same folder is told that, not to change the admin's address", async () => {
  using dir = tempDir();
  const port = await freePort();
  const command = writeConfig(dir, port);
  await using first = startChild({ command, cwd: dir.path, name: "first" });
  await first.waitForLine("agent_started", 20_000);
  await using second = startChild({ command, cwd: dir.path, name: "second" });
  expect(await second.exited).toMatchObject({ code: 2 });
  expect(second.stderr).toContain("EDGE_CHANNEL_LOCKED");
  expect(second.stderr).not.toContain("admin.address");
}, 60_000);

test.each([
  ["another user's", (dir: TempDir) => Bun.spawnSync(["mkdir", "-m", "700", dir.file("data")])],
  ["no folder at all", (dir: TempDir) => writeFileSync(dir.file("data"), "")],
])(
  "a data folder that is %s is exit code 2, with words and without a stack",
  async (_what, make) => {
    using dir = tempDir();
    chmodSync(dir.path, 0o755);
    make(dir);
    const nobody = process.geteuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const command = [...nobody, ...writeConfig(dir, await freePort())];
    await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
    expect(await child.exited).toMatchObject({ code: 2 });
    expect(child.stderr).toContain("EDGE_DATA_DIR");
    expect(child.stderr).not.toContain("    at ");
  },
  60_000,
);

test("a foreign write lock is waited out for a while, and then called by its name", async () => {
  using dir = tempDir();
  const command = writeConfig(dir, await freePort());
  {
    await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
    await child.waitForLine("agent_started", 20_000);
    expect(await child.stop()).toMatchObject({ code: 0 });
  }
  const foreign = new Database(dir.file("data/channel.db"));
  foreign.exec("BEGIN IMMEDIATE");
  {
    await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
    await Bun.sleep(1_000);
    foreign.exec("COMMIT; BEGIN");
    await child.waitForLine("agent_started", 20_000);
    await child.stop();
  }
  foreign.exec("COMMIT; BEGIN IMMEDIATE");
  await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
  expect(await child.exited).toMatchObject({ code: 1 });
  expect(child.stderr).toContain("EDGE_CHANNEL_BUSY");
  expect(child.stderr).not.toContain("dmesg");
  foreign.close();
}, 60_000);

test("a start after kill -9 waits for readers that come and go beside it", async () => {
  using dir = tempDir();
  const port = await freePort();
  const command = writeConfig(dir, port);
  const look = `import Database from "better-sqlite3";
    for (;;) { try { const db = new Database("data/channel.db", { readonly: true, timeout: 1000 }); db.prepare("SELECT count(*) FROM state").get(); db.close(); } catch {} }`;
  writeFileSync(
    dir.file("look.ts"),
    look.replace('"better-sqlite3"', JSON.stringify(require.resolve("better-sqlite3"))),
  );
  await using _reader = startChild({ command: [process.execPath, dir.file("look.ts")], cwd: dir.path, name: "reader" });
  for (let round = 0; round < 12; round++) {
    await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
    await child.waitForLine("agent_started", 20_000);
    appendFileSync(dir.file("a.log"), `round ${round}\n`);
    await until("the line to arrive", () => arrived(dir).includes(`round ${round}\n`), Boolean, { withinMs: 20_000 });
    child.signal("SIGKILL");
    await child.exited;
  }
}, 120_000);

test("a disk that is too small for freeDisk is said by check, by readyz and in the log, and a stop is clean", async () => {
  using dir = tempDir();
  const port = await freePort();
  const command = writeConfig(dir, port, "freeDisk: 900TiB");
  const check = Bun.spawnSync([process.execPath, main, "check", dir.file("tailgate.yaml")], { cwd: dir.path });
  expect(check.stderr.toString()).toContain("channel main takes nothing as it is");
  await using child = startChild({ command, cwd: dir.path, name: "tailgate" });
  await child.waitForLine("channel_disk_low", 20_000);
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining("channel main takes nothing")]);
  expect(await child.stop()).toMatchObject({ code: 0 });
  expect(child.stderr).not.toContain("not open");
}, 60_000);
