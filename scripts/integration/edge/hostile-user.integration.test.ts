/**
 * A local user without rights, beside an agent that has them: the user owns the log folder and the spool folder, plants links,
 * FIFOs and names there, and writes what a log should not hold. Nothing that the user may not read is shipped, nothing is written
 * outside, the agent goes on, and its own log holds no byte that draws on a terminal. The user's part is done by `nobody`
 * (setpriv), so it needs root, as in a container.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
const nobody = 65_534;
const secret = "root's own words";

const dir = tempDir("tailgate-hostile-user-");
let agent: Child | undefined;

beforeAll(() => {
  if (process.geteuid?.() !== 0) throw new Error("run this test as root: another user's part is done by setpriv");
  chmodSync(dir.path, 0o755);
  for (const name of ["logs", "spool", "lake"]) {
    mkdirSync(dir.file(name));
    chownSync(dir.file(name), nobody, nobody);
  }
  mkdirSync(dir.file("root"), { mode: 0o700 });
  writeFileSync(dir.file("root/shadow.log"), `${secret}\n`, { mode: 0o600 });
  writeFileSync(dir.file("root/victim"), "precious\n", { mode: 0o600 });
});

afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

/** What the user does, in the user's own name. */
function asNobody(script: string): void {
  const command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", script];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: dir.path });
  if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
}

function lake(): string {
  if (!existsSync(dir.file("lake"))) return "";
  return readdirSync(dir.file("lake"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("");
}

test("ships what the user wrote and nothing that the user may not read, and writes nowhere but into its own files", async () => {
  const target = dir.file("root/shadow.log");
  asNobody(`
    echo "an honest line" > logs/honest.log
    printf 'escape \\033[2J\\033]0;owned\\007 and \\342\\200\\256 turned\\n' > logs/content.log
    ln -s ${target} logs/a.log
    ln -s ${dir.file("root")} logs/folder.log
    ln -s /proc/self/environ logs/environ.log
    ln -s /dev/zero logs/zero.log
    ln -s ${dir.file("data")} logs/data.log
    ln -s loop.log logs/loop.log
    mkfifo logs/fifo.log
    echo "a named line" > "$(printf 'logs/name\\033[31m\\342\\200\\256.log')"
    echo "a spooled line" > spool/honest.txt
    ln -s ${target} spool/a.txt
    mkfifo spool/fifo.txt
    mkdir -p lake/.in-progress && ln -s ${dir.file("root/victim")} lake/driving.log
  `);
  const port = await freePort();
  writeFileSync(
    dir.file("tailgate.yaml"),
    `agent: gw-1
dataDir: data
linger: 10ms
sources:
  logs: { type: tail, paths: ["logs/*.log"], pollInterval: 100ms, start: beginning, channels: main }
  spool: { type: spooldir, path: spool, channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: { type: file_roll, directory: lake, channel: main }
admin: { address: "127.0.0.1:${port}" }
`,
    { mode: 0o600 },
  );
  agent = startChild({ name: "edge", command: [process.execPath, main, "run", dir.file("tailgate.yaml")] });
  await until(
    "the user's own lines to arrive",
    async () => lake(),
    (text) => ["an honest line", "escape", "a named line", "a spooled line"].every((line) => text.includes(line)),
    { withinMs: 20_000 },
  ).catch((thrown: unknown) => {
    throw new Error(`${messageOf(thrown)}\nagent:\n${JSON.stringify(agent?.stderr.slice(-4_000))}`);
  });
  // A file that was read is exchanged for a link while the agent follows it.
  asNobody(`rm logs/honest.log && ln -s ${target} logs/honest.log && echo "after all" >> logs/content.log`);
  await until(
    "lines after the exchange",
    async () => lake(),
    (text) => text.includes("after all"),
    { withinMs: 30_000 },
  );
  await Bun.sleep(500);
  expect(lake()).not.toContain(secret);
  expect(lake()).not.toContain("KAFKA_"); // nothing of an environment
  expect(readFileSync(dir.file("root/victim"), "utf8")).toBe("precious\n");
  const said = agent.stdout + agent.stderr;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(said).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  expect(said).toContain("a.log"); // what is refused is named
  const live = await fetch(`http://127.0.0.1:${port}/livez`);
  expect(live.status).toBe(200);
}, 120_000);
