/** A file that was renamed is still followed: what is written into it after a truncation is read too. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import type { RunningSource } from "../../testing/fakes/running-source.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

/** A log that was read and renamed; there is another one in its place, unless it is left out. */
function world(config: Record<string, unknown> = {}, renamedTo = "x.log.1") {
  const w = tailWorld(config, "x.log");
  const renamed = w.dir.file(renamedTo);
  const expected: string[] = [];
  let written = 0;
  const write = (path: string, count: number) => {
    const lines = Array.from({ length: count }, () => `line ${written++} ${"abcdefghij".repeat(3)}`);
    expected.push(...lines);
    appendFileSync(path, lines.map((line) => `${line}\n`).join(""));
  };
  return {
    dir: w.dir,
    log: w.log,
    renamed,
    start: w.start,
    write,
    expected,
    /** Reads the log, renames it, and reads the new one. */
    async rotated(run: RunningSource, isMadeAnew = true): Promise<void> {
      write(w.log, 50);
      await sees(run, expected);
      renameSync(w.log, renamed);
      if (isMadeAnew) write(w.log, 10);
      await sees(run, expected);
    },
    [Symbol.dispose]: () => w[Symbol.dispose](),
  };
}

const truncationsOf = (run: RunningSource, path: string) =>
  said(run, "tail_truncated").filter(({ fields }) => fields.path === path).length;

for (const renamedTo of ["x.log.1", "x-20261121.log", "old"]) {
  for (const isMadeAnew of [true, false]) {
    const beside = isMadeAnew ? "beside a new log" : "alone";
    test(`x.log renamed to ${renamedTo}, ${beside}: what comes after a truncation is read, each time`, async () => {
      using w = world({}, renamedTo);
      await using run = w.start();
      await w.rotated(run, isMadeAnew);
      for (const count of [80, 3]) {
        const truncations = truncationsOf(run, w.renamed);
        truncateSync(w.renamed);
        await until("the truncation", () => truncationsOf(run, w.renamed) > truncations);
        w.write(w.renamed, count);
        await sees(run, w.expected);
      }
      // Longer than it was, before anybody looks.
      truncateSync(w.renamed);
      w.write(w.renamed, 90);
      await sees(run, w.expected);
      w.write(w.log, 5);
      await sees(run, w.expected);
      expect(run.intake.counter("lost_at_source")).toBe(0);
    });

    test(`x.log renamed to ${renamedTo}, ${beside}: what comes after a truncation without the agent is read`, async () => {
      using w = world({}, renamedTo);
      const first = w.start();
      await w.rotated(first, isMadeAnew);
      first.intake.commit();
      const work = await first.crash();
      truncateSync(w.renamed);
      w.write(w.renamed, 20);
      const second = w.start(work);
      await sees(second, w.expected);
      truncateSync(w.renamed);
      await until("the truncation", () => truncationsOf(second, w.renamed) > 1);
      await second.stop();
      // The stored position is that of an empty file.
      w.write(w.renamed, 200);
      await using third = w.start(work);
      await sees(third, w.expected);
      expect(third.intake.counter("lost_at_source")).toBe(0);
    });
  }

  test(`x.log renamed to ${renamedTo} and closed: what comes after a truncation is read`, async () => {
    using w = world({ idleClose: 100 }, renamedTo);
    await using run = w.start();
    await w.rotated(run);
    for (const [isSeen, count] of [
      [true, 20],
      [false, 200],
    ] as const) {
      await until(
        "it is closed",
        () => isHeld(w.renamed),
        (held) => !held,
      );
      const truncations = truncationsOf(run, w.renamed);
      truncateSync(w.renamed);
      if (isSeen) await until("the truncation", () => truncationsOf(run, w.renamed) > truncations);
      w.write(w.renamed, count);
      await sees(run, w.expected);
    }
  });
}

test("a renamed file whose end was cut off within what was read is read anew, and this is said", async () => {
  using w = world();
  await using run = w.start();
  await w.rotated(run);
  const [line] = w.expected;
  truncateSync(w.renamed, (line?.length ?? 0) + 1);
  await until("the truncation", () => truncationsOf(run, w.renamed) === 1);
  w.expected.push(line ?? "");
  w.write(w.renamed, 70);
  await sees(run, w.expected);
});

test("an empty log that is renamed and written to by a late writer is read, also after a restart", async () => {
  using w = world();
  const first = w.start();
  writeFileSync(w.log, "");
  await until("it is found", () => said(first, "tail_file_found").length === 1);
  renameSync(w.log, w.renamed);
  w.write(w.log, 20);
  await sees(first, w.expected);
  const work = await first.stop();
  w.write(w.renamed, 5);
  await using again = w.start(work);
  await sees(again, w.expected);
  w.write(w.renamed, 5);
  await sees(again, w.expected);
});

test("a renamed file that another name leads to, asked for in another folder, is read once after a truncation", async () => {
  using w = world({}, "old");
  mkdirSync(w.dir.file("other"));
  const other = w.dir.file("other/y.log");
  await using run = w.start(undefined, {}, { paths: [w.log, other] });
  await w.rotated(run);
  linkSync(w.renamed, other);
  await until("the other name", () => said(run, "tail_same_file").length === 1);
  truncateSync(w.renamed);
  w.write(other, 40);
  await sees(run, w.expected);
  w.write(w.renamed, 40);
  await sees(run, w.expected);
});

test("rotation by copying over the file that is there: each line once", async () => {
  using w = world();
  await using run = w.start();
  for (let round = 0; round < 5; round++) {
    w.write(w.log, 20 + round);
    await sees(run, w.expected);
    copyFileSync(w.log, w.renamed);
    truncateSync(w.log);
    w.write(w.log, 3);
    await sees(run, w.expected);
  }
  expect(run.intake.counter("lost_at_source")).toBe(0);
});

function isHeld(path: string): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      // The descriptor that the listing itself used.
      return false;
    }
  });
}
