import { expect, spyOn, test } from "bun:test";
import { appendFileSync, mkdirSync, renameSync, rmdirSync } from "node:fs";
import { formatCursor, parseCursor } from "./cursor.ts";
import { Directory } from "./directory.ts";
import { linesOf, numbered, sees, tailWorld } from "./testing/tail-world.ts";

/** How often a folder is looked at in half a second; it is polled every 30 ms. */
async function looks(): Promise<number> {
  const scan = spyOn(Directory.prototype, "scan");
  await Bun.sleep(500);
  const { length } = scan.mock.calls;
  scan.mockRestore();
  return length;
}

test("a folder whose files are known is away at the start: nobody runs in a circle for it, and it goes on when it is back", async () => {
  using w = tailWorld({}, "d/*.log");
  mkdirSync(w.dir.file("d"));
  const log = w.dir.file("d/x.log");
  appendFileSync(log, numbered("old", 20));
  const first = w.start();
  await sees(first, linesOf(numbered("old", 20)));
  const work = await first.stop();
  appendFileSync(log, numbered("unread", 5));
  renameSync(w.dir.file("d"), w.dir.file("away"));
  await using second = w.start(work);
  await Bun.sleep(100);
  expect(await looks()).toBeLessThan(60);
  renameSync(w.dir.file("away"), w.dir.file("d"));
  appendFileSync(log, numbered("late", 5));
  await sees(second, linesOf(numbered("old", 20), numbered("unread", 5), numbered("late", 5)));
  expect(await looks()).toBeLessThan(60);
});

test("a disk is not mounted at the start, and its mount point is there, empty: the same", async () => {
  using w = tailWorld({}, "d/*.log");
  const [folder, away] = [w.dir.file("d"), w.dir.file("away")];
  mkdirSync(folder);
  appendFileSync(w.dir.file("d/x.log"), numbered("old", 20));
  const first = w.start();
  await sees(first, linesOf(numbered("old", 20)));
  const work = await first.stop();
  appendFileSync(w.dir.file("d/x.log"), numbered("unread", 5));
  renameSync(folder, away);
  mkdirSync(folder);
  // Stored when it lay on the disk that is not there.
  for (const [key, text] of work.positions) {
    const cursor = parseCursor(text);
    if (cursor !== undefined) work.positions.set(key, formatCursor({ ...cursor, device: "7" }));
  }
  await using second = w.start(work);
  await Bun.sleep(100);
  expect(await looks()).toBeLessThan(60);
  rmdirSync(folder);
  renameSync(away, folder);
  await sees(second, linesOf(numbered("old", 20), numbered("unread", 5)));
});

test("a folder is moved out of sight while files in it are closed and have more to give: the same", async () => {
  using w = tailWorld({ openFilesMax: 1, idleClose: 100 }, "d/*.log");
  mkdirSync(w.dir.file("d"));
  const [log, other] = [w.dir.file("d/x.log"), w.dir.file("d/y.log")];
  for (const path of [log, other]) appendFileSync(path, numbered(path, 20));
  await using run = w.start();
  const expected = [log, other].map((path) => numbered(path, 20));
  await sees(run, linesOf(...expected));
  renameSync(w.dir.file("d"), w.dir.file("away"));
  for (const name of ["x.log", "y.log"]) appendFileSync(w.dir.file(`away/${name}`), numbered(name, 5));
  await Bun.sleep(100);
  expect(await looks()).toBeLessThan(60);
  renameSync(w.dir.file("away"), w.dir.file("d"));
  expected.push(numbered("x.log", 5), numbered("y.log", 5));
  await sees(run, linesOf(...expected));
});
