import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { makeBatch, spec } from "../../testing/contracts/batches.ts";
import { Sqlite } from "./driver.ts";
import { openInspector } from "./inspect.ts";
import { nothing, open } from "./testing/open.ts";

/** What is said when it is tried. */
function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error("it was taken");
}

const usage = { code: "EDGE_DATA_DIR", severity: "usage" };

test("a data directory that cannot be had is a mistake of the config, whatever the system calls it", () => {
  using dir = tempDir();
  writeFileSync(dir.file("file"), "");
  symlinkSync("nowhere", dir.file("dangling"));
  symlinkSync("loop", dir.file("loop"));
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  const long = "n".repeat(256);
  const deep = `${"n".repeat(100)}/`.repeat(50);
  const below = ["file", "file/below", "dangling", "dangling/below", "loop", "loop/below", "fifo", long, deep];
  const paths = [...below.map((name) => dir.file(name)), "/proc/x", "/proc/self/x", "/dev/null", "/dev/full/x"];
  for (const dataDir of paths) expect(refusal(() => open(dir, { dataDir }))).toMatchObject(usage);
  expect(readdirSync(dir.path).sort()).toEqual(["dangling", "fifo", "file", "loop"]);
});

test.each(["channel.db", "channel.lock", "channel.reserve"])(
  "what is no file in the place of %s is said, and not waited for",
  (name) => {
    for (const put of [(path: string) => mkdirSync(path), (path: string) => Bun.spawnSync(["mkfifo", path])]) {
      using dir = tempDir();
      put(dir.file(name));
      const error = refusal(() => open(dir));
      expect(error).toMatchObject(usage);
      expect(error.message).toMatch(/it is a (FIFO|folder)$/);
      expect(error.hint).toContain("Move it away");
      expect(readdirSync(dir.path)).toEqual([name]);
    }
  },
);

test("a lock that is no lock says what it is, and to remove it", () => {
  using dir = tempDir();
  open(dir).close();
  writeFileSync(dir.file("channel.lock"), "junk ".repeat(1_000));
  const error = refusal(() => open(dir));
  expect(error).toMatchObject(usage);
  expect(error.hint).toStartWith(`Remove ${dir.file("channel.lock")}`);
  rmSync(dir.file("channel.lock"));
  open(dir).close();
});

test("a foreign lock that is not let go of says that the start has given up, and what to end", () => {
  using dir = tempDir();
  open(dir).close();
  const foreign = new Sqlite(dir.file("channel.db"));
  foreign.exec("BEGIN IMMEDIATE");
  const error = refusal(() => open(dir));
  foreign.close();
  expect(error.code).toBe("EDGE_CHANNEL_BUSY");
  expect(error.hint).toContain("given up");
  expect(error.hint).not.toContain("tries again");
}, 20_000);

test("another program's database is called that, by a start and by whoever looks", () => {
  using dir = tempDir();
  const foreign = new Sqlite(dir.file("channel.db"));
  foreign.exec("CREATE TABLE precious (x)");
  foreign.close();
  for (const work of [() => open(dir), () => openInspector(dir.path)]) {
    const { hint, code } = refusal(work);
    expect(code).toBe("EDGE_CHANNEL_VERSION");
    expect(hint).toContain("Move it away");
    expect(hint).not.toContain("newer");
  }
});

test("whoever looks where there is no channel file is told that, and nothing of the disk", () => {
  using dir = tempDir();
  writeFileSync(dir.file("file"), "");
  mkdirSync(dir.file("odd/channel.db"), { recursive: true });
  mkdirSync(dir.file("junk"));
  writeFileSync(dir.file("junk/channel.db"), "junk ".repeat(1_000));
  mkdirSync(dir.file("fifo"));
  Bun.spawnSync(["mkfifo", dir.file("fifo/channel.db")]);
  for (const at of [dir.path, dir.file("none"), dir.file("file"), dir.file("odd"), dir.file("fifo"), "/proc/self"]) {
    const error = refusal(() => openInspector(at));
    expect(error).toMatchObject({ code: "EDGE_CHANNEL_MISSING", severity: "usage" });
    expect(error.hint).not.toContain("dmesg");
  }
  const junk = refusal(() => openInspector(dir.file("junk")));
  expect(junk.hint).toContain("no database");
});

/** A store in a folder that can be moved, and one batch in it. */
function housed(dir: TempDir) {
  const clock = new VirtualClock();
  const store = open(dir, { dataDir: dir.file("data"), clock }, { freeBytesMin: 1 });
  const lane = store.channel("main").createLane(spec);
  const put = (first: number) => store.commit({ ...nothing, batches: [makeBatch(lane, first, 1)] });
  put(0);
  return { store, put, clock };
}

test.each([
  ["the folder is moved", (dir: TempDir) => renameSync(dir.file("data"), dir.file("aside"))],
  ["the folder is removed", (dir: TempDir) => rmSync(dir.file("data"), { recursive: true })],
  ["the file is removed", (dir: TempDir) => rmSync(dir.file("data/channel.db"))],
  ["its log is removed", (dir: TempDir) => rmSync(dir.file("data/channel.db-wal"))],
  ["its lock is removed", (dir: TempDir) => rmSync(dir.file("data/channel.lock"))],
])("%s under the agent: it goes on, and knows it", (_what, take) => {
  using dir = tempDir();
  const { store, put, clock } = housed(dir);
  expect(store.misplaced()).toBeUndefined();
  take(dir);
  expect(store.misplaced()).toMatch(/was moved or removed$/);
  clock.advance(5_000);
  put(1);
  expect(store.channel("main").admission()).toBe("open");
  expect(store.channel("main").stat().events).toBe(2);
  if (existsSync(dir.file("aside"))) {
    renameSync(dir.file("aside"), dir.file("data"));
    expect(store.misplaced()).toBeUndefined();
  }
  store.close();
});

test("another file in its place is no file of ours", () => {
  using dir = tempDir();
  const { store } = housed(dir);
  renameSync(dir.file("data/channel.db"), dir.file("aside.db"));
  writeFileSync(dir.file("data/channel.db"), "");
  expect(store.misplaced()).toContain("another file stands at");
  store.close();
});
