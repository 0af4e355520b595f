/** What `check` says of this machine is what `run` says, with the same exit code; and it changes nothing. */
import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openWritten, spec, work } from "../../../edge/channels/sqlite/testing/writer.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
const nobody = 65534;
const isRoot = process.geteuid?.() === 0;
const closing: (() => unknown)[] = [];
afterAll(() => Promise.all(closing.map((close) => close())));

interface World {
  readonly dir: TempDir;
  /** As the config names it. */
  readonly data: string;
}

/** What is there before; what it answers is changed in the config. */
interface Case {
  readonly name: string;
  readonly says: RegExp;
  /** 2 when not given. */
  readonly code?: number;
  /** As a user who is not root; only root can try it. */
  readonly asNobody?: boolean;
  /** It mounts. */
  readonly needsRoot?: boolean;
  readonly prepare: (world: World) => unknown;
  readonly admin?: (world: World) => string | Promise<string>;
}

function configOf(data: string, admin: string): string {
  return `agent: agent
dataDir: ${data}
sources:
  a: { type: tail, paths: ["none/*.log"], channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: { type: logger, channel: main }
${admin === "" ? "" : `admin: { address: "${admin}" }\n`}`;
}

const nothing = () => {};
const makeData = ({ data }: World) => mkdirSync(data, { mode: 0o700 });

const makeTheirs = ({ data }: World) => {
  mkdirSync(data, { mode: 0o700 });
  chownSync(data, nobody, nobody);
};

/** Of the user who starts, with a file in it that is root's alone. */
function foreign(name: string) {
  return ({ dir, data }: World) => {
    makeTheirs({ dir, data });
    writeFileSync(join(data, name), "", { mode: 0o600 });
  };
}

function mount(options: string) {
  return ({ data }: World) => {
    mkdirSync(data);
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "none", data]).exitCode).toBe(0);
  };
}

/** A channel file as an agent leaves it, and then somebody changed it. */
function written(sql: string) {
  return ({ data }: World) => {
    const store = openWritten(data);
    const lane = store.channel("main").createLane(spec);
    store.commit(work(lane, 0, 3));
    store.close();
    const db = new Database(join(data, "channel.db"));
    db.exec(sql);
    db.close();
  };
}

const cases: readonly Case[] = [
  { name: "dataDir of a foreign owner", says: /DATA_DIR/, asNobody: true, prepare: makeData },
  { name: "dataDir in a folder of a foreign owner", says: /DATA_DIR/, asNobody: true, prepare: nothing },
  {
    name: "dataDir is a file",
    says: /is a file, no folder \[EDGE_DATA_DIR/,
    prepare: ({ data }) => writeFileSync(data, ""),
  },
  { name: "dataDir on a read-only mount", says: /read-only.* \[EDGE_DATA_DIR/, needsRoot: true, prepare: mount("ro") },
  {
    name: "dataDir on a disk too small",
    says: /disk full.* \[EDGE_CHANNEL_FULL/,
    code: 1,
    needsRoot: true,
    prepare: mount("size=100k"),
  },
  {
    name: "dataDir on a disk just too small",
    says: /disk full.* \[EDGE_CHANNEL_FULL/,
    code: 1,
    needsRoot: true,
    prepare: mount("size=2100k"),
  },
  {
    name: "channel.db of another user",
    says: /channel\.db cannot be read and written.*DATA_DIR/,
    asNobody: true,
    prepare: foreign("channel.db"),
  },
  {
    name: "channel.lock of another user",
    says: /channel\.lock cannot be read and written.*DATA_DIR/,
    asNobody: true,
    prepare: foreign("channel.lock"),
  },
  {
    name: "channel.lock is garbage",
    says: /channel\.lock: SQLITE_NOTADB \[EDGE_DATA_DIR/,
    prepare: (world) => {
      makeData(world);
      writeFileSync(join(world.data, "channel.lock"), "garbage".repeat(1_000));
    },
  },
  {
    name: "channel.lock is a word",
    says: /channel\.lock: SQLITE_NOTADB \[EDGE_DATA_DIR/,
    prepare: (world) => {
      makeData(world);
      writeFileSync(join(world.data, "channel.lock"), "1234\n");
    },
  },
  {
    name: "channel.db is a dangling link",
    says: /channel\.db: it is a link that leads nowhere \[EDGE_DATA_DIR/,
    prepare: (world) => {
      makeData(world);
      symlinkSync("nowhere", join(world.data, "channel.db"));
    },
  },
  {
    name: "channel.db is a folder",
    says: /channel\.db: it is a folder \[EDGE_DATA_DIR/,
    prepare: (world) => {
      makeData(world);
      mkdirSync(join(world.data, "channel.db"));
    },
  },
  {
    name: "channel.lock is a FIFO",
    says: /channel\.lock: it is a FIFO \[EDGE_DATA_DIR/,
    prepare: (world) => {
      makeData(world);
      Bun.spawnSync(["mkfifo", join(world.data, "channel.lock")]);
    },
  },
  {
    name: "another program's database",
    says: /another program's database stands there \[EDGE_CHANNEL_VERSION/,
    prepare: (world) => {
      makeData(world);
      const db = new Database(join(world.data, "channel.db"));
      db.exec("CREATE TABLE precious (x)");
      db.close();
    },
  },
  {
    name: "another program's database with a log",
    says: /another program's database stands there \[EDGE_CHANNEL_VERSION/,
    prepare: (world) => {
      makeData(world);
      const db = new Database(join(world.data, "channel.db"));
      db.pragma("journal_mode = WAL");
      db.exec("CREATE TABLE precious (x)");
      closing.push(() => db.close());
    },
  },
  {
    name: "a newer version",
    says: /its version is 99.* \[EDGE_CHANNEL_VERSION/,
    prepare: written("PRAGMA user_version = 99"),
  },
  {
    name: "a channel that is no longer named and holds events",
    says: /channels that the config does not name: "other" \(\d+ events\) \[EDGE_CHANNEL_UNNAMED/,
    prepare: written("UPDATE lane SET channel = 'other'"),
  },
  {
    name: "admin.address: the port is taken",
    says: /EDGE_ADMIN_ADDRESS/,
    prepare: nothing,
    admin: async () => {
      const server = createServer();
      const port = await freePort();
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      closing.push(() => server.close());
      return `127.0.0.1:${port}`;
    },
  },
  {
    name: "admin.address: not this machine's",
    says: /EDGE_ADMIN_ADDRESS/,
    prepare: nothing,
    admin: () => "192.0.2.1:9999",
  },
  {
    name: "admin.address: a port for root",
    says: /EDGE_ADMIN_ADDRESS/,
    asNobody: true,
    prepare: makeTheirs,
    admin: () => "127.0.0.1:81",
  },
  {
    name: "admin.address: a socket's folder that is open to all",
    says: /others may write to .* \[EDGE_ADMIN_ADDRESS/,
    prepare: ({ dir }) => {
      mkdirSync(dir.file("adm"));
      chmodSync(dir.file("adm"), 0o777);
    },
    admin: ({ dir }) => dir.file("adm/a.sock"),
  },
  {
    name: "admin.address: a file in its place",
    says: /something that is no socket is there \[EDGE_ADMIN_ADDRESS/,
    prepare: ({ dir }) => {
      mkdirSync(dir.file("adm"), { mode: 0o700 });
      writeFileSync(dir.file("adm/a.sock"), "x");
    },
    admin: ({ dir }) => dir.file("adm/a.sock"),
  },
  {
    name: "admin.address: a socket's folder that cannot be made",
    says: /cannot be made in .* \[EDGE_ADMIN_ADDRESS/,
    asNobody: true,
    prepare: makeTheirs,
    admin: ({ dir }) => dir.file("adm/a.sock"),
  },
  {
    name: "admin.address: another process listens on the socket",
    says: /another process listens there \[EDGE_ADMIN_ADDRESS/,
    prepare: nothing,
    admin: async ({ dir }) => {
      mkdirSync(dir.file("adm"), { mode: 0o700 });
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(dir.file("adm/a.sock"), resolve));
      closing.push(() => server.close());
      return dir.file("adm/a.sock");
    },
  },
];

/** Everything below a folder, with what would show that it was touched. Of SQLite's shared index only that it is there. */
function pictureOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => {
      const { mode, uid, size, mtimeMs, ino } = lstatSync(join(folder, name));
      return name.endsWith("-shm") ? name : `${name} ${mode} ${uid} ${size} ${mtimeMs} ${ino}`;
    })
    .sort();
}

async function say(dir: TempDir, verb: "check" | "run", asNobody: boolean) {
  const user = asNobody ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] : [];
  const command = [...user, process.execPath, main, verb, dir.file("tailgate.yaml")];
  await using child = startChild({ command, cwd: dir.path, name: `tailgate ${verb}` });
  const exit = await Promise.race([child.exited, Bun.sleep(30_000).then(() => ({ code: "still running" }))]);
  return {
    code: exit.code,
    text: child.stderr,
    line: child.stderr.split("\n").find((line) => line.includes("[EDGE_")),
  };
}

/** SQLite's or the system's own words behind ours may differ, and ours do not. */
const plain = (line: string | undefined) => line?.replace(/^tailgate: /, "").replace(/: database or disk is full/, "");

test.each(cases.filter(({ asNobody, needsRoot }) => isRoot || (asNobody ?? needsRoot) === undefined))(
  "check refuses what run refuses, in the same words: $name",
  async ({ says, code = 2, asNobody = false, prepare, admin }) => {
    using dir = tempDir();
    if (asNobody) chmodSync(dir.path, 0o755);
    const world = { dir, data: dir.file("data") };
    try {
      await prepare(world);
      writeFileSync(dir.file("tailgate.yaml"), configOf(world.data, (await admin?.(world)) ?? ""), { mode: 0o644 });
      const before = pictureOf(dir.path);
      const check = await say(dir, "check", asNobody);
      expect(pictureOf(dir.path)).toEqual(before);
      const run = await say(dir, "run", asNobody);
      expect(run.line).toMatch(says);
      expect(plain(check.line)).toBe(plain(run.line));
      expect(check.text).toContain("the agent will not start");
      expect([check.code, run.code]).toEqual([code, code]);
    } finally {
      Bun.spawnSync(["umount", world.data]);
    }
  },
  90_000,
);

test("check beside a running agent says that it runs, that a second one would be refused, and that the config is valid", async () => {
  using dir = tempDir();
  const port = await freePort();
  writeFileSync(dir.file("tailgate.yaml"), configOf(dir.file("data"), `127.0.0.1:${port}`));
  const command = [process.execPath, main, "run", dir.file("tailgate.yaml")];
  await using agent = startChild({ command, cwd: dir.path, name: "tailgate" });
  await agent.waitForLine("agent_started", 20_000);
  const check = await say(dir, "check", false);
  expect(check.text).toContain("an agent runs on");
  expect(check.text).toContain("a second one would be refused");
  expect(check.text).toContain("is valid");
  expect(check.code).toBe(0);
  const second = await say(dir, "run", false);
  expect(second).toMatchObject({ code: 2, line: expect.stringContaining("EDGE_CHANNEL_LOCKED") });
  expect(readFileSync(dir.file("tailgate.yaml"), "utf8")).toContain("agent");
  expect(await agent.stop()).toMatchObject({ code: 0 });
}, 90_000);

test("check after a stop, and after a kill, says nothing of what is in order", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("tailgate.yaml"), configOf(dir.file("data"), dir.file("adm/a.sock")));
  const command = [process.execPath, main, "run", dir.file("tailgate.yaml")];
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await using agent = startChild({ command, cwd: dir.path, name: "tailgate" });
    await agent.waitForLine("agent_started", 20_000);
    agent.signal(signal);
    await agent.exited;
    const before = pictureOf(dir.path);
    const check = await say(dir, "check", false);
    expect(pictureOf(dir.path)).toEqual(before);
    expect(check).toMatchObject({ code: 0, line: undefined });
  }
}, 90_000);
