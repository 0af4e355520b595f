/** What somebody who can write to the directory puts into the place of our files. */
import { expect, test } from "bun:test";
import { globSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { batchOf, day1, FileWorld, laneOf } from "./testing/file-world.ts";

const status = laneOf("status");
const lines = (id: number, text: string) => batchOf(status, id, [[day1, text]]);

function planted() {
  const dir = tempDir();
  mkdirSync(dir.file("lake"));
  writeFileSync(dir.file("victim"), "precious\n");
  mkdirSync(dir.file("elsewhere"));
  const world = new FileWorld(dir.file("lake"));
  return {
    dir,
    world,
    inProgress: () => join(dir.file("lake"), globSync(".in-progress/*/*", { cwd: dir.file("lake") })[0] ?? ""),
    victim: () => readFileSync(dir.file("victim"), "utf8"),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

test.each([
  ["a link to another file", (path: string, victim: string) => symlinkSync(victim, path)],
  ["another file's second name", (path: string, victim: string) => linkSync(victim, path)],
  ["a FIFO", (path: string) => void Bun.spawnSync(["mkfifo", path])],
])("nothing is written into %s", async (_, plant) => {
  using w = planted();
  const lane = w.world.lane(status);
  const mark = await lane.deliver(lines(0, "one"));
  const path = w.inProgress();
  rmSync(path);
  plant(path, w.dir.file("victim"));
  expect(lane.deliver(lines(1, "two"))).rejects.toMatchObject({ code: "EDGE_SINK_FILE" });
  await lane.deliver(lines(1, "two")).catch(() => undefined);
  expect(w.victim()).toBe("precious\n");
  // The next process finds it in place of its file: it is removed, and the lines go on.
  await w.world.lane(status, mark).deliver(lines(1, "two"));
  expect(w.victim()).toBe("precious\n");
  expect(Object.values(w.world.inProgress())).toEqual(["two\n"]);
});

test.each([".in-progress", ".in-progress/gw-1.e1.status.0.main.test"])(
  "nothing is made behind a link in the place of %s",
  async (folder) => {
    using w = planted();
    mkdirSync(join(w.dir.file("lake"), ".in-progress"));
    if (folder === ".in-progress") rmSync(join(w.dir.file("lake"), folder), { recursive: true });
    symlinkSync(w.dir.file("elsewhere"), join(w.dir.file("lake"), folder));
    await w.world
      .lane(status)
      .deliver(lines(0, "one"))
      .then(
        () => expect().fail("it was delivered"),
        (error: unknown) => expect(error).toMatchObject({ code: "EDGE_SINK_FILE" }),
      );
    expect(globSync("**/*", { cwd: w.dir.file("elsewhere") })).toEqual([]);
  },
);

test("a folder that is replaced by a link while its file is written is noticed", async () => {
  using w = planted();
  const lane = w.world.lane(status);
  await lane.deliver(lines(0, "one"));
  const folder = join(w.dir.file("lake"), ".in-progress");
  renameSync(folder, `${folder}.moved`);
  symlinkSync(w.dir.file("elsewhere"), folder);
  await lane.deliver(lines(1, "two")).then(
    () => expect().fail("it was delivered"),
    (error: unknown) => expect(error).toMatchObject({ code: "EDGE_SINK_FILE" }),
  );
  expect(globSync("**/*", { cwd: w.dir.file("elsewhere") })).toEqual([]);
});
