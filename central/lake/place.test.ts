/** A lake whose disk is away: nothing is made in its place, and it goes on when the disk is back. The folder is renamed for it. */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { systemClock } from "../../shared/clock/clock.ts";
import { systemRandom } from "../../shared/random/random.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { Table } from "./iceberg/table.ts";
import { Positions } from "./positions.ts";
import { LakeWriter } from "./writer.ts";

function world() {
  const dir = tempDir();
  const [lake, disk] = [dir.file("lake"), dir.file("disk")];
  const notePath = dir.file("central.db.lake");
  const source = {
    look: async () => ({ partitions: [], ids: new Map<string, string>() }),
    range: async () => ({ next: 0, end: 0 }),
    isCut: () => false,
    read: async () => undefined,
  };
  const config = {
    directory: lake,
    commitEvery: 60_000,
    buckets: 4,
    keepFree: 0,
    keepSnapshots: 3_600_000,
    retention: undefined,
  };
  const start = () => {
    const said: string[] = [];
    const options = { config, source, notePath, erased: undefined, clock: systemClock, random: systemRandom };
    const writer = new LakeWriter({ ...options, report: ({ name }) => void said.push(name) });
    const stopping = new AbortController();
    const ended = writer.run(stopping.signal);
    const is = (state: string) => until(`the lake to be ${state}`, () => writer.snapshot.state === state);
    return {
      said,
      writer,
      is,
      [Symbol.asyncDispose]: async () => {
        stopping.abort();
        await ended;
      },
    };
  };
  const mount = () => {
    rmSync(lake, { recursive: true });
    renameSync(disk, lake);
  };
  const unmount = () => {
    renameSync(lake, disk);
    mkdirSync(lake);
  };
  return { lake, notePath, start, mount, unmount, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

async function writesOnce(w: ReturnType<typeof world>): Promise<void> {
  await using run = w.start();
  await run.is("writing");
}

test("an empty folder in the place of a lake is waited in, and nothing is made there; the lake goes on when its disk is back", async () => {
  using w = world();
  await writesOnce(w);
  w.unmount();
  await using run = w.start();
  await run.is("waiting");
  expect(run.writer.snapshot).toMatchObject({ code: "CENTRAL_LAKE_AWAY" });
  expect(run.writer.snapshot.trouble).toContain("no table is there");
  await until("the word", () => run.said.includes("lake_waits"));
  expect(readdirSync(w.lake)).toEqual([]);
  w.mount();
  await run.is("writing");
  expect(run.writer.snapshot.trouble).toBeUndefined();
}, 30_000);

test("another table in its place is not gone on with", async () => {
  using w = world();
  await writesOnce(w);
  w.unmount();
  Table.open(`${w.lake}/events`, 4, { clock: systemClock, random: systemRandom, keepSnapshotsMs: 1 });
  await using run = w.start();
  await run.is("waiting");
  expect(run.writer.snapshot.trouble).toContain("another table");
}, 30_000);

test("whoever removes the note has a new lake, and it is noted again; a damaged note is none", async () => {
  using w = world();
  await writesOnce(w);
  w.unmount();
  {
    await using run = w.start();
    await run.is("waiting");
    rmSync(w.notePath);
    await run.is("writing");
  }
  writeFileSync(w.notePath, "{");
  await writesOnce(w);
  w.mount();
  await using run = w.start();
  await run.is("waiting");
}, 30_000);

test("a disk that goes away between two commits: the second one is not made below its mount point", () => {
  using w = world();
  const folder = `${w.lake}/events`;
  const table = Table.open(folder, 4, { clock: systemClock, random: systemRandom, keepSnapshotsMs: 1 });
  table.commit({ operation: "append", add: [], positions: Positions.of("{}", "{}") });
  w.unmount();
  const commit = () => table.commit({ operation: "append", add: [], positions: Positions.of("{}", "{}") });
  expect(commit).toThrow(expect.objectContaining({ code: "CENTRAL_LAKE_AWAY" }));
  expect(readdirSync(w.lake)).toEqual([]);
  w.mount();
  commit();
  expect(table.files.versions()).toEqual([1, 2, 3]);
});
