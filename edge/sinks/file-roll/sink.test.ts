import { expect, test } from "bun:test";
import { globSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { mistakes } from "../../testing/fakes/component.ts";
import fileRoll from "./index.ts";
import { batchOf, day1, day2, FileWorld, laneOf } from "./testing/file-world.ts";

test("lines go to the file of their day and get its name when the day is over and nothing more came", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const lane = world.lane(laneOf("status"));
  await lane.deliver(
    batchOf(laneOf("status"), 0, [
      [day1, "a"],
      [day2, "x"],
      [day1 + 1, "b"],
    ]),
  );
  world.clock.advance(60_000);
  await lane.publish();
  expect(world.published()).toEqual({});
  world.clock.advance(14 * 3_600_000);
  await lane.publish();
  expect(world.published()).toEqual({ "status-2026-11-20.log": "a\nb\n" });
  expect(Object.values(world.inProgress())).toEqual(["x\n"]);
});

test("a file that somebody else has under the name is never written over", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  writeFileSync(dir.file("status-2026-11-20.log"), "theirs");
  const lane = world.lane(laneOf("status"));
  await lane.deliver(batchOf(laneOf("status"), 0, [[day1, "ours"]]));
  world.clock.advance(24 * 3_600_000);
  await lane.publish();
  expect(world.published()).toEqual({ "status-2026-11-20.log": "theirs", "status-2026-11-20.1.log": "ours\n" });
});

test("lanes of several streams, and of several epochs of one, share a directory and keep apart", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, { file: "%Y-%m-%d.log" });
  const lanes = [laneOf("a"), laneOf("b"), laneOf("a", "e2")].map((lane) => ({ lane, files: world.lane(lane) }));
  for (const { lane, files } of lanes) await files.deliver(batchOf(lane, 0, [[day1, `${lane.stream} ${lane.epoch}`]]));
  world.clock.advance(24 * 3_600_000);
  for (const { files } of lanes) await files.publish();
  expect(Object.values(world.published()).sort()).toEqual(["a e1\n", "a e2\n", "b e1\n"]);
});

test("what was never acknowledged is gone after a crash: it comes again", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  await world.lane(laneOf("a")).deliver(batchOf(laneOf("a"), 0, [[day1, "x"]]));
  await world.lane(laneOf("a")).publish();
  expect([world.published(), world.inProgress()]).toEqual([{}, {}]);
});

test("after a crash what the mark does not hold is cut off, and what comes again is there once", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const status = laneOf("status");
  const before = world.lane(status);
  const mark = await before.deliver(batchOf(status, 0, [[day1, "one"]]));
  await before.deliver(
    batchOf(status, 1, [
      [day1, "two"],
      [day2, "three"],
    ]),
  );
  const after = world.lane(status, mark);
  await after.deliver(
    batchOf(status, 1, [
      [day1, "two"],
      [day2, "three"],
    ]),
  );
  expect(Object.values(world.inProgress()).sort()).toEqual(["one\ntwo\n", "three\n"]);
});

test("a write that failed half-way leaves nothing behind for the next try", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const status = laneOf("status");
  const lane = world.lane(status);
  await lane.deliver(batchOf(status, 0, [[day1, "one"]]));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  writeFileSync(join(dir.path, file), "one\ntw");
  await lane.deliver(batchOf(status, 1, [[day1, "two"]]));
  expect(Object.values(world.inProgress())).toEqual(["one\ntwo\n"]);
});

test("a long rest of a write that failed half-way does not come behind the next lines", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const status = laneOf("status");
  const lane = world.lane(status);
  await lane.deliver(batchOf(status, 0, [[day1, "one"]]));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  writeFileSync(join(dir.path, file), `one\n${"the rest of a batch that never was acknowledged\n".repeat(20)}`);
  await lane.deliver(batchOf(status, 1, [[day1, "two"]]));
  expect(Object.values(world.inProgress())).toEqual(["one\ntwo\n"]);
});

test("a file named by a clock that was years ahead is published once it is quiet, tomorrow's is not", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const status = laneOf("status");
  const lane = world.lane(status);
  await lane.deliver(batchOf(status, 0, [[day1 + 400 * 86_400_000, "ahead"]]));
  await lane.deliver(batchOf(status, 1, [[day2, "tomorrow"]]));
  world.clock.advance(120_000);
  await lane.publish();
  expect(world.published()).toEqual({});
  world.clock.advance(3_600_000);
  await lane.publish();
  expect(world.published()).toEqual({ "status-2027-12-25.log": "ahead\n" });
  expect(Object.values(world.inProgress())).toEqual(["tomorrow\n"]);
});

test("a directory that cannot be written is tried again, with a hint", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("lake"), "a file where the directory should be");
  const world = new FileWorld(dir.file("lake"));
  const failing = world.lane(laneOf("status")).deliver(batchOf(laneOf("status"), 0, [[day1, "a"]]));
  expect(failing).rejects.toMatchObject({ code: "EDGE_SINK_FILE", severity: "transient" });
  await failing.catch(() => undefined);
});

test("a full file makes room for the next, and both are published", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path, { rollBytes: 1024, file: "%{stream}.log" });
  const status = laneOf("status");
  const lane = world.lane(status);
  for (let id = 0; id < 3; id++) await lane.deliver(batchOf(status, id, [[day1, "x".repeat(1_100 + id)]]));
  world.clock.advance(60_000);
  await lane.publish();
  const lengths = Object.fromEntries(Object.entries(world.published()).map(([name, text]) => [name, text.length]));
  expect(lengths).toEqual({ "status.log": 1_101, "status.1.log": 1_102, "status.2.log": 1_103 });
});

test("a marker of shed events writes no line, and a damaged batch is refused", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const status = laneOf("status");
  const lane = world.lane(status);
  await lane.deliver({ ...batchOf(status, 0, [[day1, "marker"]]), kind: "shed" });
  expect(world.inProgress()).toEqual({});
  const damaged = { ...batchOf(status, 1, [[day1, "a"]]) };
  damaged.bytes.writeInt32BE(50, 57);
  expect(lane.deliver(damaged)).rejects.toThrow("refused");
});

test("a file that somebody cut is gone on with, not refused for ever", async () => {
  using dir = tempDir();
  const world = new FileWorld(dir.path);
  const status = laneOf("status");
  const mark = await world.lane(status).deliver(batchOf(status, 0, [[day1, "one"]]));
  const [file = ""] = globSync(".in-progress/*/*", { cwd: dir.path });
  truncateSync(join(dir.path, file), 2);
  await world.lane(status, mark).deliver(batchOf(status, 1, [[day1, "two"]]));
  expect(Object.values(world.inProgress())).toEqual(["ontwo\n"]);
});

test("whatever crashes when, and however late marks become durable: every line is there once", async () => {
  let seed = 5;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) % below;
  };
  for (let round = 0; round < 20; round++) {
    using dir = tempDir();
    const world = new FileWorld(dir.path, { rollBytes: 1024, publishAfter: "10s" });
    const status = laneOf("status");
    const lines = Array.from({ length: 30 }, (_, id) =>
      Array.from({ length: 1 + random(5) }, (_, n) => {
        return [random(4) === 0 ? day2 : day1, `${id}.${n} ${"x".repeat(random(200))}`] as const;
      }),
    );
    const batches = lines.map((each, id) => batchOf(status, id, each));
    let durable: { mark: string | undefined; next: number } = { mark: undefined, next: 0 };
    let lane = world.lane(status, undefined);
    let acknowledged = durable;
    while (acknowledged.next < batches.length) {
      const batch = batches[acknowledged.next];
      if (batch === undefined) throw new Error("no batch");
      acknowledged = { mark: await lane.deliver(batch), next: acknowledged.next + 1 };
      const event = random(6);
      if (event === 0) {
        lane = world.lane(status, durable.mark);
        acknowledged = durable;
      } else if (event === 1) durable = acknowledged;
      else if (event === 2) {
        // Marks are durable before the time that publishing waits for is over.
        durable = acknowledged;
        world.clock.advance(10_000 + random(2) * 20 * 3_600_000);
        await lane.publish();
      }
    }
    const found = [...Object.values(world.published()), ...Object.values(world.inProgress())].join("");
    const expected = lines.flat().map(([, text]) => text);
    expect(found.split("\n").filter(Boolean).sort()).toEqual(expected.sort());
  }
});

test("mistakes of the config name the word that means nothing", () => {
  expect(mistakes(fileRoll, { directory: "/srv", file: "%{vehicle}.log" })[0]).toContain(
    '"%{vehicle}" means nothing here',
  );
  expect(mistakes(fileRoll, { directory: "/srv", publishAfter: "1s" })[0]).toContain("too short: at least 10s");
});
