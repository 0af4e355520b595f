import { test } from "bun:test";
import { appendFileSync, copyFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { openCount } from "./open-count.ts";
import { linesOf, numbered, said, sees, tailWorld } from "./testing/tail-world.ts";

test("a folder is renamed and another made in its place: the closed files of the old one go on where they are", async () => {
  using w = tailWorld({ pollInterval: 1_500, openFilesMax: 1 }, "*/*.log");
  const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
  mkdirSync(w.dir.file("a"));
  writeFileSync(log("a"), numbered("old", 20));
  writeFileSync(log("a", "y.log"), numbered("other", 20));
  await using run = w.start();
  const expected = [numbered("old", 20), numbered("other", 20)];
  const lines = () => linesOf(...expected);
  await sees(run, lines());
  await until("they are closed", () => openCount.now <= 1);
  renameSync(w.dir.file("a"), w.dir.file("b"));
  mkdirSync(w.dir.file("a"));
  writeFileSync(log("a"), numbered("new", 20));
  // The watch of the old folder tells of it under its old name, long before the new one is looked for.
  appendFileSync(log("b"), "late\n");
  expected.push(numbered("new", 20), "late\n");
  await sees(run, lines());
  await until("the move", () => said(run, "tail_moved_here").length === 2);
  await sees(run, lines());
});

test("a folder takes another's place while the agent is down: a generation of it that nobody read is read", async () => {
  using w = tailWorld({}, "{a,b}/*.log");
  const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
  for (const folder of ["a", "b"]) mkdirSync(w.dir.file(folder));
  writeFileSync(log("a"), numbered("a", 20));
  const first = w.start();
  await sees(first, linesOf(numbered("a", 20)));
  const work = await first.stop();
  writeFileSync(log("b"), numbered("b", 20));
  renameSync(log("b"), log("b", "x.log.1"));
  writeFileSync(log("b"), numbered("b again", 20));
  for (const [from, to] of [
    ["a", "between"],
    ["b", "a"],
    ["between", "b"],
  ] as const)
    renameSync(w.dir.file(from), w.dir.file(to));
  await using again = w.start(work);
  await sees(again, linesOf(numbered("a", 20), numbered("b", 20), numbered("b again", 20)));
});

const emptied: readonly (readonly [string, (path: string) => void, string])[] = [
  ["emptied, and written to later", (path) => truncateSync(path), ""],
  ["truncated and written anew", (path) => writeFileSync(path, numbered("anew", 5)), numbered("anew", 5)],
  [
    "removed and made anew",
    (path) => {
      rmSync(path);
      writeFileSync(path, numbered("anew", 5));
    },
    numbered("anew", 5),
  ],
];

for (const [what, change, written] of emptied) {
  test(`a folder is moved while the agent is down, and a generation in it is ${what}: it is read`, async () => {
    using w = tailWorld({}, "*/x.log");
    const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
    mkdirSync(w.dir.file("d"));
    writeFileSync(log("d"), numbered("old", 20));
    const first = w.start();
    const expected = [numbered("old", 20)];
    const lines = () => linesOf(...expected);
    await sees(first, lines());
    renameSync(log("d"), log("d", "x.log.1"));
    writeFileSync(log("d"), numbered("new", 10));
    expected.push(numbered("new", 10));
    await sees(first, lines());
    const work = await first.stop();
    renameSync(w.dir.file("d"), w.dir.file("d2"));
    change(log("d2", "x.log.1"));
    appendFileSync(log("d2"), numbered("newer", 3));
    expected.push(written, numbered("newer", 3));
    const second = w.start(work);
    await sees(second, lines());
    appendFileSync(log("d2", "x.log.1"), numbered("late", 30));
    expected.push(numbered("late", 30));
    await sees(second, lines());
    const later = await second.stop();
    appendFileSync(log("d2", "x.log.1"), numbered("later", 3));
    expected.push(numbered("later", 3));
    await using third = w.start(later);
    await sees(third, lines());
  });
}

test("a log is copied and truncated, and its folder moved at once: each line once", async () => {
  using w = tailWorld({}, "*/x.log");
  const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
  mkdirSync(w.dir.file("d"));
  writeFileSync(log("d"), numbered("old", 20));
  await using run = w.start();
  const expected = [numbered("old", 20)];
  const lines = () => linesOf(...expected);
  await sees(run, lines());
  copyFileSync(log("d"), log("d", "x.log.1"));
  truncateSync(log("d"));
  renameSync(w.dir.file("d"), w.dir.file("d2"));
  await sees(run, lines());
  appendFileSync(log("d2"), numbered("new", 3));
  expected.push(numbered("new", 3));
  await sees(run, lines());
});

for (const [what, move] of [
  ["its folder", (from: string, to: string) => renameSync(from, to)],
  [
    "it alone",
    (from: string, to: string) => {
      mkdirSync(to, { recursive: true });
      renameSync(`${from}/x.log`, `${to}/x.log`);
    },
  ],
] as const) {
  test(`a file that is open and quiet for longer than idleClose, and ${what} is moved: it goes on where it is`, async () => {
    using w = tailWorld({ pollInterval: 600, idleClose: 100 }, "*/x.log");
    const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
    mkdirSync(w.dir.file("a"));
    writeFileSync(log("a"), numbered("old", 20));
    await using run = w.start();
    const expected = [numbered("old", 20)];
    const lines = () => linesOf(...expected);
    await sees(run, lines());
    // What an event tells is read at once; its folder is not looked at for that, so it stays open.
    appendFileSync(log("a"), "late\n");
    expected.push("late\n");
    await sees(run, lines());
    move(w.dir.file("a"), w.dir.file("b"));
    await until("the move", () => said(run, "tail_moved_here").length + said(run, "tail_file_found").length > 1);
    appendFileSync(log("b"), "later\n");
    expected.push("later\n");
    await sees(run, lines());
  });
}

test("a rotated file that is moved out of all folders that are followed is let go of when it is quiet", async () => {
  using w = tailWorld({ pollInterval: 50, idleClose: 1_000 }, "logs/x.log");
  mkdirSync(w.dir.file("logs"));
  mkdirSync(w.dir.file("archive"));
  writeFileSync(w.dir.file("logs/x.log"), numbered("old", 20));
  await using run = w.start();
  const expected = [numbered("old", 20)];
  const lines = () => linesOf(...expected);
  await sees(run, lines());
  renameSync(w.dir.file("logs/x.log"), w.dir.file("archive/x.log"));
  writeFileSync(w.dir.file("logs/x.log"), numbered("new", 20));
  appendFileSync(w.dir.file("archive/x.log"), "late\n");
  expected.push("late\n", numbered("new", 20));
  await sees(run, lines());
  await until("it is forgotten", () => {
    run.intake.commit();
    return [...run.intake.work.positions.values()].filter((position) => position.includes('"inode"')).length === 1;
  });
});
