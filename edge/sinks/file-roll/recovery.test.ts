import { expect, test } from "bun:test";
import { globSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { batchOf, day1, FileWorld, laneOf } from "./testing/file-world.ts";

const status = laneOf("status");
const lines = (id: number, text: string) => batchOf(status, id, [[day1, text]]);

test("after a crash full files get their names in the order in which they were begun", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, { rollBytes: 1024, file: "%{stream}.log" });
  const before = world.lane(status);
  let mark: string | undefined;
  for (let id = 0; id < 30; id++) mark = await before.deliver(lines(id, `${id} ${"x".repeat(1_100)}`));
  const after = world.lane(status, mark);
  await after.publish();
  world.clock.advance(60_000);
  await after.publish();
  const names = ["status.log", ...Array.from({ length: 29 }, (_, index) => `status.${index + 1}.log`)];
  const published = world.published();
  expect(names.map((name) => Number(published[name]?.split(" ")[0]))).toEqual(names.map((_, index) => index));
});

test("after a crash lines go on in the file that was begun last, not in one that was full by its age", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, { rollInterval: "1h", file: "%{stream}.log" });
  const before = world.lane(status);
  let mark: string | undefined;
  for (let id = 0; id < 21; id++) {
    mark = await before.deliver(lines(id, `${id}`));
    if (id % 2 === 0) world.clock.advance(3_600_000);
  }
  await world.lane(status, mark).deliver(lines(21, "21"));
  expect(Object.values(world.inProgress())).toContain("20\n21\n");
});

test.each([
  ["the mark is another sink's", '{"producer":"7.0","offset":41}'],
  ["the mark is gone with a damaged channel file", undefined],
])("files of acknowledged lines are published as they are when %s", async (_, mark) => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, { file: "%{stream}.log" });
  await world.lane(status).deliver(lines(0, "one"));
  const next = lines(1, "two");
  const after = world.lane(status, mark, next);
  await after.deliver(next);
  world.clock.advance(60_000);
  await after.publish();
  expect(world.published()).toEqual({ "status.log": "one\n", "status.1.log": "two\n" });
});

test.each([
  ["cut", (path: string) => truncateSync(path, 2), "ontwo\n"],
  ["removed", (path: string) => rmSync(path), "two\n"],
])("a file that is %s by somebody else while it is written is not filled up with NUL bytes", async (_, harm, left) => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const lane = world.lane(status);
  await lane.deliver(lines(0, "one"));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  harm(join(dir.path, file));
  await lane.deliver(lines(1, "two"));
  const mark = await lane.deliver(lines(2, "three"));
  expect(Object.values(world.inProgress())).toEqual([`${left}three\n`]);
  await world.lane(status, mark).publish();
  expect(Object.values(world.inProgress())).toEqual([`${left}three\n`]);
});

test("files of lanes that nobody writes any more are published: an epoch that ended, another channel", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  for (const lane of [laneOf("a", "e1"), { ...laneOf("b"), channel: "former" }]) {
    await world.lane(lane).deliver(batchOf(lane, 0, [[day1, `${lane.stream} old`]]));
  }
  const other = new FileWorld(dir.path, {}, "other-agent");
  await other.lane(laneOf("a")).deliver(batchOf(laneOf("a"), 0, [[day1, "not ours"]]));

  const now = laneOf("a", "e2");
  const after = world.lane(now);
  await after.deliver(batchOf(now, 0, [[day1, "a new"]]));
  await after.publish();
  // Lanes of this process have all been made by then: not before.
  expect(world.published()).toEqual({});
  world.clock.advance(60_000);
  await after.publish();
  expect(world.published()).toEqual({ "a-2026-11-20.log": "a old\n", "b-2026-11-20.log": "b old\n" });
  expect(Object.values(world.inProgress()).sort()).toEqual(["a new\n", "not ours\n"]);
  expect(globSync(".in-progress/*", { cwd: dir.path })).toHaveLength(2);
});
