import { expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import type { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { sees as seesInAnyOrder, tailWorld } from "./testing/tail-world.ts";

const quick = { pollInterval: 50, rotateWait: 60 };

/** The log of a folder, and how it grows. */
function world(config: Record<string, unknown> = {}) {
  const w = tailWorld({ ...quick, ...config }, "x.log");
  let written = 0;
  return {
    dir: w.dir,
    log: w.log,
    start: w.start,
    /** Appends numbered lines. */
    write(count: number, path = w.log): void {
      let text = "";
      for (let index = 0; index < count; index++) text += `${lineText(written++)}\n`;
      appendFileSync(path, text);
    },
    get expected(): string[] {
      return Array.from({ length: written }, (_, index) => lineText(index));
    },
    [Symbol.dispose]: () => w[Symbol.dispose](),
  };
}

const lineText = (number: number) => `line ${number} ${"abcdefghij".repeat(number % 7)}`;

/** Exactly these, in this order. */
async function sees(run: RunningSource, lines: readonly string[]): Promise<void> {
  await seesInAnyOrder(run, lines);
  expect(run.intake.lines).toEqual([...lines]);
}

test("lines are forwarded as they are written", async () => {
  using w = world();
  await using run = w.start();
  w.write(10);
  await sees(run, w.expected);
  w.write(10);
  await sees(run, w.expected);
});

test("lines written before and after a rename come once and in order", async () => {
  using w = world();
  await using run = w.start();
  w.write(10);
  await sees(run, w.expected);
  w.write(5);
  renameSync(w.log, `${w.log}.1`);
  w.write(5, `${w.log}.1`);
  w.write(10);
  await sees(run, w.expected);
});

test("ten rotations between two looks lose nothing", async () => {
  using w = world();
  await using run = w.start();
  w.write(10);
  await sees(run, w.expected);
  rotateByRename(w, 10);
  await sees(run, w.expected);
});

test("ten rotations while the agent was down lose nothing", async () => {
  using w = world();
  const first = w.start();
  w.write(10);
  await sees(first, w.expected);
  const work = await first.stop();
  rotateByRename(w, 10);
  await using run = w.start(work);
  await sees(run, w.expected);
});

test("with a pattern that covers the rotated names as well nothing comes twice", async () => {
  using w = world({ paths: [] });
  const config = { paths: `${w.log}*` };
  const start = (work?: CommittedWork) =>
    runSource({ definition, config: { ...quick, ...config }, dataDir: w.dir.path, ...(work ? { work } : {}) });
  const first = start();
  w.write(10);
  await sees(first, w.expected);
  rotateByRename(w, 3);
  await sees(first, w.expected);
  const work = await first.stop();
  rotateByRename(w, 3);
  await using run = start(work);
  await sees(run, w.expected);
});

/** `.1` becomes `.2` and so on, the oldest first. */
function shiftOlder(log: string): void {
  for (let number = 30; number >= 1; number--) {
    if (existsSync(`${log}.${number}`)) renameSync(`${log}.${number}`, `${log}.${number + 1}`);
  }
}

function rotateByRename(w: ReturnType<typeof world>, times: number): void {
  for (let rotation = 0; rotation < times; rotation++) {
    shiftOlder(w.log);
    renameSync(w.log, `${w.log}.1`);
    w.write(3 + rotation);
  }
}

function rotateByCopy(w: ReturnType<typeof world>, times: number, before = 0): void {
  for (let rotation = 0; rotation < times; rotation++) {
    w.write(before);
    shiftOlder(w.log);
    copyFileSync(w.log, `${w.log}.1`);
    truncateSync(w.log);
    w.write(3 + rotation);
  }
}

test("copytruncate ten times while the agent runs loses nothing", async () => {
  using w = world();
  await using run = w.start();
  w.write(10);
  await sees(run, w.expected);
  for (let round = 0; round < 5; round++) {
    rotateByCopy(w, 2, round);
    await sees(run, w.expected);
  }
  expect(run.intake.counter("lost_at_source")).toBe(0);
});

test("copytruncate ten times while the agent was down loses nothing", async () => {
  using w = world();
  const first = w.start();
  w.write(10);
  await sees(first, w.expected);
  const work = await first.stop();
  rotateByCopy(w, 10, 4);
  await using run = w.start(work);
  await sees(run, w.expected);
  expect(run.intake.counter("lost_at_source")).toBe(0);
});

test("a file that was truncated and has regrown past the offset is read anew", async () => {
  using w = world();
  await using run = w.start();
  w.write(10);
  await sees(run, w.expected);
  truncateSync(w.log);
  w.write(50);
  await sees(run, w.expected);
  const work = await run.stop();
  truncateSync(w.log);
  w.write(200);
  await using again = w.start(work);
  await sees(again, w.expected);
});

test("a deleted file is read to its end through the open descriptor, its half line included", async () => {
  using w = world();
  await using run = w.start();
  w.write(3);
  await sees(run, w.expected);
  run.intake.block();
  w.write(10);
  appendFileSync(w.log, "half");
  await until("the bytes to be known", () => JSON.stringify(run.source.status()).includes(`"unread":`));
  rmSync(w.log);
  run.intake.unblock();
  await sees(run, [...w.expected, "half"]);
  run.intake.commit();
  expect([...run.intake.work.positions.keys()].filter((key) => !key.startsWith("pattern"))).toEqual([]);
});

test("bytes that were known and deleted unread while the agent was down are counted", async () => {
  using w = world();
  const first = w.start();
  w.write(10);
  await sees(first, w.expected);
  const lines = w.expected;
  appendFileSync(w.log, "0123456789");
  await until("the half line to be seen", () => JSON.stringify(first.source.status()).includes(`"unread":10`));
  const work = await first.stop();
  rmSync(w.log);
  await using run = w.start(work);
  await until("the loss", () => run.intake.counter("lost_at_source") === 10);
  expect(run.reports.find((report) => report.signal === "tail_lost_at_source")?.fields).toMatchObject({ bytes: 10 });
  expect(run.intake.lines).toEqual(lines);
});

test("rotated files that were there before the first start are left alone", async () => {
  using w = world();
  writeFileSync(`${w.log}.1`, "old\n");
  const first = w.start();
  w.write(5);
  await sees(first, w.expected);
  const work = await first.stop();
  rotateByRename(w, 2);
  await using run = w.start(work);
  await sees(run, w.expected);
});

test("a directory that is removed and made again is followed again", async () => {
  using w = world();
  const path = w.dir.file("sub");
  const log = `${path}/x.log`;
  mkdirSync(path);
  await using run = w.start();
  await using sub = runSource({ definition, config: { paths: log, ...quick }, dataDir: w.dir.path });
  writeFileSync(log, "one\n");
  await sees(sub, ["one"]);
  rmSync(path, { recursive: true });
  await until("a poll", () => sub.reports.length > 0);
  mkdirSync(path);
  writeFileSync(log, "two\n");
  await sees(sub, ["one", "two"]);
  appendFileSync(log, "three\n");
  await sees(sub, ["one", "two", "three"]);
  expect(run.intake.lines).toEqual([]);
});
