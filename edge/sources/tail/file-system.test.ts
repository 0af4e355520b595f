/** The file system as it is: whatever stands beside a log, or in its place, the log is read once. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import type { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

const leftOut = (run: RunningSource) => JSON.stringify(run.source.status().leftOut);

test("a pattern with ** reads the files of the folder itself", async () => {
  using w = tailWorld();
  mkdirSync(w.dir.file("a/b"), { recursive: true });
  writeFileSync(w.log, "here\n");
  writeFileSync(w.dir.file("a/b/y.log"), "below\n");
  await using run = runSource({
    definition,
    config: { paths: w.dir.file("**/*.log"), pollInterval: 30 },
    dataDir: w.dir.path,
  });
  await sees(run, ["here", "below"]);
});

test("a link to itself, a link through a file and a link to nowhere hide nothing beside them", async () => {
  using w = tailWorld();
  symlinkSync("loop.log", w.dir.file("loop.log"));
  symlinkSync("x.log/y", w.dir.file("bad.log"));
  symlinkSync("nowhere", w.dir.file("nowhere.log"));
  writeFileSync(w.log, "read\n");
  await using run = w.start();
  await sees(run, ["read"]);
  expect(leftOut(run)).toContain("circle");
  expect(said(run, "tail_left_out").length).toBe(Number(run.source.status().leftOutCount));
});

test("a link to itself among folders hides none of them", async () => {
  using w = tailWorld();
  symlinkSync("loop", w.dir.file("loop"));
  mkdirSync(w.dir.file("a"));
  symlinkSync("..", w.dir.file("a/up"));
  writeFileSync(w.dir.file("a/app.log"), "read\n");
  await using one = runSource({
    definition,
    config: { paths: w.dir.file("*/app.log"), pollInterval: 30 },
    dataDir: w.dir.path,
  });
  await sees(one, ["read"]);
  await using deep = runSource({
    definition,
    config: { paths: w.dir.file("**/app.log"), pollInterval: 30 },
    dataDir: w.dir.path,
  });
  await sees(deep, ["read"]);
});

test("a FIFO in a log's place is never waited for: what was rotated is read, and the next log too", async () => {
  using w = tailWorld();
  const run = w.start();
  writeFileSync(w.log, "one\n");
  await sees(run, ["one"]);
  const work = await run.stop();
  appendFileSync(w.log, "two\n");
  renameSync(w.log, `${w.log}.1`);
  Bun.spawnSync(["mkfifo", w.log]);
  await using again = w.start(work);
  await sees(again, ["one", "two"]);
  expect(leftOut(again)).toContain("a FIFO");
  rmSync(w.log);
  writeFileSync(w.log, "three\n");
  await sees(again, ["one", "two", "three"]);
  expect(again.source.status().leftOutCount).toBe(0);
});

test("a file that becomes a FIFO, a socket or a folder between two looks stops nobody", async () => {
  using w = tailWorld({ idleClose: 100 });
  await using run = w.start();
  const kinds = ["fifo", "socket", "folder"];
  for (const kind of kinds) writeFileSync(w.dir.file(`${kind}.log`), `${kind}\n`);
  writeFileSync(w.log, "x\n");
  await sees(run, ["x", ...kinds]);
  for (const kind of kinds) rmSync(w.dir.file(`${kind}.log`));
  Bun.spawnSync(["mkfifo", w.dir.file("fifo.log")]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(w.dir.file("socket.log"), resolve));
  mkdirSync(w.dir.file("folder.log"));
  appendFileSync(w.log, "y\n");
  await sees(run, ["x", "y", ...kinds]);
  await new Promise((resolve) => server.close(resolve));
});

test("a file with two names in one folder is read once, also across restarts and when one name goes", async () => {
  using w = tailWorld();
  writeFileSync(w.dir.file("a.log"), "one\n");
  linkSync(w.dir.file("a.log"), w.dir.file("b.log"));
  const run = w.start();
  await sees(run, ["one"]);
  expect(said(run, "tail_same_file").length).toBe(1);
  const work = await run.stop();
  appendFileSync(w.dir.file("b.log"), "two\n");
  await using again = w.start(work);
  await sees(again, ["one", "two"]);
  unlinkSync(w.dir.file("a.log"));
  appendFileSync(w.dir.file("b.log"), "three\n");
  await sees(again, ["one", "two", "three"]);
});

function folders(...paths: string[]) {
  const w = tailWorld();
  mkdirSync(w.dir.file("a"));
  mkdirSync(w.dir.file("b"));
  const config = { paths: paths.map((path) => w.dir.file(path)), pollInterval: 30, rotateWait: 60, idleClose: 100 };
  return {
    ...w,
    start: (work?: CommittedWork) =>
      runSource({ definition, config, dataDir: w.dir.path, ...(work === undefined ? {} : { work }) }),
  };
}

test("a file with names in two folders is read once, and goes on when the first name is removed", async () => {
  using w = folders("*/*.log");
  writeFileSync(w.dir.file("a/x.log"), "one\n");
  linkSync(w.dir.file("a/x.log"), w.dir.file("b/y.log"));
  const run = w.start();
  await sees(run, ["one"]);
  await Bun.sleep(150);
  unlinkSync(w.dir.file("a/x.log"));
  appendFileSync(w.dir.file("b/y.log"), "two\n");
  await sees(run, ["one", "two"]);
  const work = await run.stop();
  appendFileSync(w.dir.file("b/y.log"), "three\n");
  await using again = w.start(work);
  await sees(again, ["one", "two", "three"]);
  expect(again.intake.counter("lost_at_source")).toBe(0);
});

test.each(["while it runs", "while it is down"])(
  "a file that is moved to another folder (%s) goes on there",
  async (when) => {
    using w = folders("*/*.log");
    writeFileSync(w.dir.file("a/x.log"), "one\n");
    let run = w.start();
    await sees(run, ["one"]);
    await Bun.sleep(150);
    const isDown = when.endsWith("down");
    const work = isDown ? await run.stop() : undefined;
    renameSync(w.dir.file("a/x.log"), w.dir.file("b/x.log"));
    appendFileSync(w.dir.file("b/x.log"), "two\n");
    if (work !== undefined) run = w.start(work);
    await using last = run;
    await sees(last, ["one", "two"]);
    expect(last.intake.counter("lost_at_source")).toBe(0);
  },
);

test("two paths to one folder are one folder", async () => {
  using w = folders("a/*.log", "link/*.log");
  symlinkSync("a", w.dir.file("link"));
  writeFileSync(w.dir.file("a/x.log"), "one\n");
  await using run = w.start();
  await sees(run, ["one"]);
});

test("names that are not UTF-8 are read, also across a restart and a rotation", async () => {
  using w = tailWorld();
  const name = (rest: string) =>
    Buffer.concat([Buffer.from(`${w.dir.path}/`), Buffer.from([0xff, 0x66, 0xfc]), Buffer.from(rest)]);
  writeFileSync(name(".log"), "one\n");
  const run = w.start();
  await sees(run, ["one"]);
  const work = await run.stop();
  appendFileSync(name(".log"), "two\n");
  renameSync(name(".log"), name(".log.1"));
  writeFileSync(name(".log"), "three\n");
  await using again = w.start(work);
  await sees(again, ["one", "two", "three"]);
  expect(JSON.stringify(again.source.status().files)).toContain("\\\\xfff\\\\xfc.log");
});

test("the log of a program's pictures in /proc is refused, at no cost", async () => {
  using w = tailWorld();
  symlinkSync(`/proc/${process.pid}/environ`, w.log);
  writeFileSync(w.dir.file("y.log"), "read\n");
  await using run = w.start();
  await sees(run, ["read"]);
  const before = process.cpuUsage();
  await Bun.sleep(500);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(150);
  expect(leftOut(run)).toContain("system's own");
});

test("the agent's own data folder is never read, not through a link either", async () => {
  using w = tailWorld();
  mkdirSync(w.dir.file(".tailgate"));
  writeFileSync(w.dir.file(".tailgate/own.log"), "secret\n");
  symlinkSync(".tailgate/own.log", w.log);
  writeFileSync(w.dir.file("y.log"), "read\n");
  await using run = w.start();
  await sees(run, ["read"]);
  expect(leftOut(run)).toContain("our own");
});

test("with followSymlinks: false no link is followed, and the key to set is named", async () => {
  using w = tailWorld({ followSymlinks: false });
  writeFileSync(w.dir.file("target"), "no\n");
  symlinkSync("target", w.log);
  writeFileSync(w.dir.file("y.log"), "read\n");
  await using run = w.start();
  await sees(run, ["read"]);
  expect(leftOut(run)).toContain("followSymlinks");
});

test("a link's target is followed through its rotations, and lines name the link", async () => {
  using w = tailWorld({ fileHeader: "file" });
  mkdirSync(w.dir.file("real"));
  const target = w.dir.file("real/app.out");
  writeFileSync(target, "0\n");
  symlinkSync("real/app.out", w.log);
  const run = w.start();
  await sees(run, ["0"]);
  const lines = ["0"];
  // More generations than looks.
  for (let round = 1; round <= 30; round++) {
    for (let number = 30; number >= 1; number--) {
      try {
        renameSync(`${target}.${number}`, `${target}.${number + 1}`);
      } catch {
        // There are not so many yet.
      }
    }
    renameSync(target, `${target}.1`);
    writeFileSync(target, `${round}\n`);
    lines.push(String(round));
  }
  await sees(run, lines);
  expect(run.intake.events[0]?.headers).toEqual({ file: w.log });
  const work = await run.stop();
  appendFileSync(target, "last\n");
  await using again = w.start(work);
  await sees(again, [...lines, "last"]);
});

test("a link that is turned to another file: the first is read to its end, the second from its beginning", async () => {
  using w = tailWorld();
  writeFileSync(w.dir.file("0.out"), "a\n");
  symlinkSync("0.out", w.log);
  const run = w.start();
  await sees(run, ["a"]);
  appendFileSync(w.dir.file("0.out"), "b\n");
  writeFileSync(w.dir.file("1.out"), "c\n");
  symlinkSync("1.out", w.dir.file("new"));
  renameSync(w.dir.file("new"), w.log);
  await sees(run, ["a", "b", "c"]);
  const work = await run.stop();
  await using again = w.start(work);
  await sees(again, ["a", "b", "c"]);
});

test("a file that comes from another folder with two names is read once", async () => {
  using w = folders("*/*.log");
  writeFileSync(w.dir.file("a/x.log"), "one\n");
  const run = w.start();
  await sees(run, ["one"]);
  const work = await run.stop();
  renameSync(w.dir.file("a/x.log"), w.dir.file("b/y.log"));
  linkSync(w.dir.file("b/y.log"), w.dir.file("b/z.log"));
  await using again = w.start(work);
  appendFileSync(w.dir.file("b/z.log"), "two\n");
  await sees(again, ["one", "two"]);
});

test("a new file with the inode of one that was known in a third folder is one file under its two names", async () => {
  using w = folders("*/*.log");
  mkdirSync(w.dir.file("c"));
  writeFileSync(w.dir.file("a/x.log"), "old\n");
  const run = w.start();
  await sees(run, ["old"]);
  const work = await run.stop();
  // The file's content is replaced where it lies now: as if its inode had been given to another.
  renameSync(w.dir.file("a/x.log"), w.dir.file("b/y.log"));
  writeFileSync(w.dir.file("b/y.log"), "new, and nothing of what was\n");
  linkSync(w.dir.file("b/y.log"), w.dir.file("c/z.log"));
  await using again = w.start(work);
  await sees(again, ["old", "new, and nothing of what was"]);
});

test("a source runs once, and a loop that fails takes the other with it", async () => {
  using w = tailWorld();
  writeFileSync(w.log, "one\n");
  const run = w.start();
  await sees(run, ["one"]);
  const again = run.source.run(run.intake, new AbortController().signal);
  expect(again).rejects.toMatchObject({ code: "INVARIANT" });
  await again.catch(() => undefined);
  await run.crash();
});

test("a tree that is deeper than a path may be long is left out with a word, and its neighbours are read", async () => {
  using w = tailWorld();
  const name = "d".repeat(200);
  // Made step by step: no path leads there.
  const script = 'cd "$1" && for i in $(seq 25); do mkdir "$2" && cd "$2"; done && echo deep > x.log';
  expect(Bun.spawnSync(["bash", "-c", script, "bash", w.dir.path, name]).exitCode).toBe(0);
  writeFileSync(w.log, "one\n");
  await using run = runSource({
    definition,
    config: { paths: w.dir.file("**/x.log"), pollInterval: 30 },
    dataDir: w.dir.path,
  });
  await sees(run, ["one"]);
  expect(JSON.stringify(run.source.status().leftOut)).toContain("ENAMETOOLONG");
});

const mounts = Bun.spawnSync(["unshare", "-m", "true"]).exitCode === 0 && process.geteuid?.() === 0;
if (!mounts)
  console.log("no right to mount here: not tried what happens when another disk is mounted over a log's folder");

const onMounts = mounts ? test : () => undefined;

onMounts("another disk in a folder's place: its files are new, though inodes have the same numbers", async () => {
  using w = tailWorld();
  const folder = w.dir.file("disk");
  mkdirSync(folder);
  const mount = () =>
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]).exitCode).toBe(0);
  mount();
  try {
    writeFileSync(`${folder}/x.log`, "one\n");
    await using run = runSource({
      definition,
      config: { paths: `${folder}/x.log`, pollInterval: 30, rotateWait: 60 },
      dataDir: w.dir.path,
    });
    await sees(run, ["one"]);
    Bun.spawnSync(["umount", "-l", folder]);
    await Bun.sleep(100);
    mount();
    writeFileSync(`${folder}/x.log`, "another\n");
    await sees(run, ["one", "another"]);
  } finally {
    Bun.spawnSync(["umount", "-l", folder]);
  }
});
