/** Another folder comes into the place of the one that is written: `directory` is changed, a disk is mounted or not, somebody removes it. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { batchOf, day1, FileWorld, laneOf } from "./testing/file-world.ts";

const status = laneOf("status");
const lines = (id: number, text: string) => batchOf(status, id, [[day1, text]]);
const daily = { file: "%{stream}-%Y-%m-%d.log" };
const all = { file: "all.log" };

/** All lines below a directory, published or not. */
function linesOf(...worlds: readonly FileWorld[]): readonly string[] {
  const texts = worlds.flatMap((world) => [...Object.values(world.published()), ...Object.values(world.inProgress())]);
  return texts.flatMap((text) => text.split("\n").filter(Boolean)).sort();
}

function twoFolders(config: Record<string, unknown>) {
  const dir = tempDir();
  mkdirSync(dir.file("a"));
  mkdirSync(dir.file("b"));
  const [a, b] = [new FileWorld(dir.file("a"), config), new FileWorld(dir.file("b"), config)];
  return { dir, a, b, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

test.each([["no time", all] as const, ["a time", daily] as const])(
  "a directory that was another one in between keeps its acknowledged lines, in files with %s in their names",
  async (_, config) => {
    using w = twoFolders(config);
    let mark = await w.a.lane(status).deliver(lines(0, "one"));
    mark = await w.b.lane(status, mark).deliver(lines(1, "two"));
    mark = await w.a.lane(status, mark).deliver(lines(2, "three"));
    mark = await w.b.lane(status, mark).deliver(lines(3, "four"));
    await w.a.lane(status, mark).deliver(lines(4, "five"));
    expect(linesOf(w.a)).toEqual(["five", "one", "three"]);
    expect(linesOf(w.b)).toEqual(["four", "two"]);
    expect([...w.a.said, ...w.b.said].filter((name) => name !== "file_published")).toEqual([]);
  },
);

test("in each of two directories what is not acknowledged is cut: lines that come again are there once", async () => {
  using w = twoFolders(all);
  const first = w.a.lane(status);
  const mark = await first.deliver(lines(0, "one"));
  await first.deliver(lines(1, "two"));
  // Killed before the second was acknowledged: it comes again, and by then goes elsewhere.
  const marked = await w.b.lane(status, mark).deliver(lines(1, "two"));
  await w.a.lane(status, marked).deliver(lines(2, "three"));
  expect(linesOf(w.a, w.b)).toEqual(["one", "three", "two"]);
});

test("when the directory is changed, what was in progress in the one before gets its names there", async () => {
  using w = twoFolders(daily);
  const before = w.a.lane(status);
  const mark = await before.deliver(lines(0, "one"));
  await before.deliver(lines(1, "two"));
  const lane = w.b.lane(status, mark);
  const marked = await lane.deliver(lines(1, "two"));
  w.b.clock.advance(60_000);
  await lane.publish();
  expect(w.a.published()).toEqual({ "status-2026-11-20.log": "one\n" });
  expect(w.a.inProgress()).toEqual({});
  expect(linesOf(w.b)).toEqual(["two"]);
  // The word that it was published is stored with the next acknowledgement only.
  await w.b.lane(status, marked).publish();
  expect(w.b.said).toEqual(["file_published"]);
});

test("when the sink has another name, what was in progress under the one before gets its name", async () => {
  using w = twoFolders(daily);
  const mark = await w.a.lane(status).deliver(lines(0, "one"));
  const renamed = new FileWorld(w.a.directory, daily, "gw-1", "other-name");
  const lane = renamed.lane(status, mark);
  await lane.deliver(lines(1, "two"));
  renamed.clock.advance(60_000);
  await lane.publish();
  expect(renamed.published()).toEqual({ "status-2026-11-20.log": "one\n" });
});

test("a directory of before that is not there is said once, also over a restart", async () => {
  using w = twoFolders(daily);
  let mark = await w.a.lane(status).deliver(lines(0, "one"));
  renameSync(w.a.directory, `${w.a.directory}.away`);
  const lane = w.b.lane(status, mark);
  w.b.clock.advance(60_000);
  for (let round = 0; round < 3; round++) {
    await lane.publish();
    w.b.clock.advance(60_000);
  }
  mark = await lane.deliver(lines(1, "two"));
  const after = w.b.lane(status, mark);
  w.b.clock.advance(60_000);
  await after.publish();
  expect(w.b.said).toEqual(["file_folder_away"]);
  expect(after.sink.status().formerFolders).toMatchObject([{ files: 1 }]);
});

test.each(["between two runs", "while it runs"])(
  "a disk that is not mounted for a while, %s: nothing is lost or repeated, and it is said",
  async (when) => {
    using w = twoFolders(all);
    const path = w.a.directory;
    let lane = w.a.lane(status);
    let mark = await lane.deliver(lines(0, "one"));
    const again = async (id: number, text: string) => {
      if (when !== "while it runs") lane = w.a.lane(status, mark);
      mark = await lane.deliver(lines(id, text));
    };
    await again(1, "two");
    renameSync(path, `${path}.disk`);
    mkdirSync(path);
    await again(2, "three");
    await again(3, "four");
    expect(w.a.said).toEqual(["file_folder_away"]);
    renameSync(path, `${path}.bare`);
    renameSync(`${path}.disk`, path);
    await again(4, "five");
    expect(linesOf(w.a)).toEqual(["five", "one", "two"]);
    expect(linesOf(new FileWorld(`${path}.bare`))).toEqual(["four", "three"]);
    renameSync(path, `${path}.disk`);
    renameSync(`${path}.bare`, path);
    await again(5, "six");
    expect(linesOf(w.a)).toEqual(["four", "six", "three"]);
  },
);

test.each([
  ["a file of a lower number that the mark does not name", "all.log~0", "old\n", { "all.log": "old\n" }],
  ["its half line, which was never acknowledged, goes", "all.log~0", "old\nhal", { "all.log": "old\n" }],
  ["a half line alone goes", "all.log~0", "hal", {}],
])("%s is published, not removed", async (_, key, text, published) => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, all);
  await world.lane(status).deliver(lines(0, "zero"));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  const folder = join(dir.path, file, "..");
  rmSync(join(dir.path, file));
  writeFileSync(join(folder, key), text);
  // As an older version wrote it: it knew no folder.
  const lane = world.lane(status, '{"serial":2,"files":{"all.log~1":[4,null]}}');
  await lane.publish();
  world.clock.advance(60_000);
  await lane.publish();
  expect(world.published()).toEqual(published);
});

test("a mark of an older version is understood: files are cut to what it says", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, all);
  await world.lane(status).deliver(lines(0, "one"));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  appendFileSync(dir.file(file), "two\n");
  await world.lane(status, '{"serial":1,"files":{"all.log~0":[4,null]}}').deliver(lines(1, "two"));
  expect(linesOf(world)).toEqual(["one", "two"]);
});

test.each(["", ".in-progress", ".in-progress/gw-1.e1.status.0.main.test"])(
  "its directory%s is made anew when somebody removes it: what was in it is said, and the lines go on",
  async (below) => {
    using w = twoFolders(all);
    const lane = w.a.lane(status);
    let mark = await lane.deliver(lines(0, "one"));
    rmSync(join(w.a.directory, below), { recursive: true });
    await lane.deliver(lines(1, "two"));
    mark = await lane.deliver(lines(2, "three"));
    expect(linesOf(w.a)).toEqual(["three", "two"]);
    // Where the new folder has the inode of the old one it is the file that is missing; else the folder is.
    expect(["file_short", "file_folder_away"]).toContain(w.a.said.join());
    await w.a.lane(status, mark).deliver(lines(3, "four"));
    expect(linesOf(w.a)).toEqual(["four", "three", "two"]);
    expect(w.a.said).toHaveLength(1);
  },
);

test("a file in progress that somebody removes is said, and hinders no other from getting its name", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, daily);
  const lane = world.lane(status);
  await lane.deliver(
    batchOf(status, 0, [
      [day1, "one"],
      [day1 - 86_400_000, "two"],
    ]),
  );
  const [file = ""] = globSync(".in-progress/*/*20.log*", { cwd: dir.path });
  rmSync(dir.file(file));
  world.clock.advance(24 * 3_600_000);
  await lane.publish();
  expect(world.said.toSorted()).toEqual(["file_published", "file_short"]);
  expect(linesOf(world)).toEqual(["two"]);
});

test("a link to a directory that leads to another one from now on is followed", async () => {
  using w = twoFolders(all);
  const link = w.dir.file("link");
  symlinkSync(w.a.directory, link);
  const world = new FileWorld(link, all);
  const lane = world.lane(status);
  await lane.deliver(lines(0, "one"));
  rmSync(link);
  symlinkSync(w.b.directory, link);
  await lane.deliver(lines(1, "two"));
  expect(linesOf(w.b)).toEqual(["two"]);
  world.clock.advance(60_000);
  await lane.publish();
  expect(w.a.published()).toEqual({ "all.log": "one\n" });
});

test("files that a failed write began are not taken for acknowledged ones", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, { ...daily, publishAfter: "10s" });
  const lane = world.lane(status);
  await lane.deliver(lines(0, "one"));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  const folder = join(dir.path, file, "..");
  // The second of the two new files cannot be made.
  const blocked = join(folder, "status-2026-11-22.log~2");
  mkdirSync(blocked);
  const batch = batchOf(status, 1, [
    [day1 + 86_400_000, "two"],
    [day1 + 2 * 86_400_000, "three"],
  ]);
  await lane.deliver(batch).catch(() => undefined);
  rmSync(blocked, { recursive: true });
  const mark = await lane.deliver(lines(1, "other"));
  expect(existsSync(join(folder, "status-2026-11-21.log~1"))).toBe(false);
  await world.lane(status, mark).publish();
  expect(linesOf(world)).toEqual(["one", "other"]);
});
