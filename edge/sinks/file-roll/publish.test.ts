/** Publishing that is cut at one of its steps, for one because no more files may be open. */
import { expect, test } from "bun:test";
import { closeSync, globSync, linkSync, openSync } from "node:fs";
import { openLibc } from "../../../shared/system/libc.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { batchOf, day1, FileWorld, laneOf } from "./testing/file-world.ts";

/** `RLIMIT_NOFILE` of getrlimit(2): two numbers, what is in force and how far it may be raised again. */
const filesOpenMax = 7;
const libc = openLibc({
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
});

/** While it works no descriptor can be had whose number is above the lowest free one and `more`. */
async function withDescriptors<T>(more: number, work: () => Promise<T>): Promise<T> {
  const before = new BigUint64Array(2);
  expect(libc.symbols.getrlimit(filesOpenMax, before)).toBe(0);
  const free = openSync("/dev/null", "r");
  closeSync(free);
  const now = new BigUint64Array([BigInt(free + more), before[1] ?? 0n]);
  expect(libc.symbols.setrlimit(filesOpenMax, now)).toBe(0);
  try {
    return await work();
  } finally {
    libc.symbols.setrlimit(filesOpenMax, before);
  }
}

const status = laneOf("status");
const lines = (id: number, text: string) => batchOf(status, id, [[day1, text]]);

test.each([0, 1, 2, 3])(
  "publishing that is cut because %d files may be opened is ended later: each line once, and nobody is said to have cut a file",
  async (more) => {
    for (const restarts of [false, true]) {
      using dir = tempDir();
      const world = new FileWorld(dir.path, { file: "deep/%{stream}.log" });
      const lane = world.lane(status);
      await lane.deliver(lines(0, "one"));
      world.clock.advance(60_000);
      await withDescriptors(more, () => lane.publish());
      const mark = await lane.deliver(lines(1, "two"));
      const after = restarts ? world.lane(status, mark) : lane;
      for (let round = 0; round < 2; round++) {
        await after.publish();
        world.clock.advance(60_000);
      }
      await after.publish();
      expect(world.said).not.toContain("file_short");
      expect(Object.values(world.published()).join("").split("\n").sort()).toEqual(["", "one", "two"]);
      expect(globSync(".in-progress/*/*", { cwd: dir.path })).toEqual([]);
    }
  },
);

test("a file that was given its name and kept its other one is published once", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, { file: "%{stream}.log" });
  const lane = world.lane(status);
  await lane.deliver(lines(0, "one"));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  linkSync(dir.file(file), dir.file("status.log"));
  world.clock.advance(60_000);
  await lane.publish();
  expect(world.published()).toEqual({ "status.log": "one\n" });
  expect(globSync(".in-progress/*/*", { cwd: dir.path })).toEqual([]);
});
