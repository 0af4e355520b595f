/** What logrotate compresses: never read, and no loss where it was read before it was compressed. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import type { RunningSource } from "../../testing/fakes/running-source.ts";
import { linesOf, numbered, said, sees, tailWorld } from "./testing/tail-world.ts";

const skipped = (run: RunningSource) => run.intake.counter("compressed_skipped");

test("logrotate's usual order with compression is no loss: nothing may be missing, so nothing is said", async () => {
  using w = tailWorld();
  await using run = w.start();
  writeFileSync(w.log, "0\n");
  await sees(run, ["0"]);
  for (let round = 1; round <= 4; round++) {
    rotateCompressed(w.log);
    writeFileSync(w.log, `${round}\n`);
    await sees(
      run,
      Array.from({ length: round + 1 }, (_, index) => String(index)),
    );
  }
  expect(skipped(run)).toBe(0);
  // The log's own generation is gone under its name, and the compressed one is it.
  expect(said(run, "tail_rotations_unseen")).toEqual([]);
});

test.each(["stands", "is gone"] as const)(
  "a compressed file that is seen when the generation it was made from %s is no loss",
  async (generation) => {
    using w = tailWorld({ idleClose: "10m" });
    await using run = w.start();
    const lines = ["0"];
    writeFileSync(w.log, "0\n");
    await sees(run, lines);
    /** Lets the source look at the folder once more: a line that comes after what was done. */
    const look = async () => {
      lines.push(`look ${lines.length}`);
      appendFileSync(w.log, `${lines.at(-1)}\n`);
      await sees(run, lines);
    };
    let waiting = () => {};
    for (let round = 1; round <= 3; round++) {
      const rotated = `${w.log}.${round}`;
      // In one look with the rotation: later ones explain themselves, since the log is what it was.
      renameSync(w.log, rotated);
      writeFileSync(w.log, "");
      const content = Bun.gzipSync(await Bun.file(rotated).bytes());
      if (generation === "stands") writeFileSync(`${rotated}.gz`, content);
      else waiting();
      await look();
      unlinkSync(rotated);
      // Held open until it is read to its end, and forgotten then.
      await look();
      waiting = () => writeFileSync(`${rotated}.gz`, content);
    }
    expect(skipped(run)).toBe(0);
  },
  30_000,
);

test("a log that is copied, truncated and compressed at once is no loss when it was read, and is counted when it was not", async () => {
  using w = tailWorld();
  await using run = w.start();
  const texts: string[] = [];
  const write = (text: string) => {
    texts.push(text);
    appendFileSync(w.log, text);
  };
  const copyCompressed = () => {
    shiftCompressed(w.log);
    const content = Bun.gzipSync(readFileSync(w.log));
    truncateSync(w.log);
    writeFileSync(`${w.log}.1.gz`, content);
  };
  for (let round = 1; round <= 4; round++) {
    write(numbered(`round ${round}`, 20));
    await sees(run, linesOf(...texts));
    copyCompressed();
    write(numbered(`after ${round}`, 5));
    await sees(run, linesOf(...texts));
    expect(skipped(run)).toBe(0);
  }
  appendFileSync(w.log, numbered("unread", 5));
  copyCompressed();
  write(numbered("last", 20));
  await sees(run, linesOf(...texts));
  expect(skipped(run)).toBe(1);
});

test.each([-0.5, 0, 0.5])(
  "a generation that nobody knew and that stands beside what is compressed of it is read: no loss, whichever is dated earlier (%d s)",
  async (laterBySeconds) => {
    using w = tailWorld();
    await using run = w.start();
    writeFileSync(w.log, "known\n");
    await sees(run, ["known"]);
    renameSync(w.log, `${w.log}.2`);
    writeFileSync(`${w.log}.1`, "between\n");
    writeFileSync(`${w.log}.1.gz`, Bun.gzipSync(readFileSync(`${w.log}.1`)));
    const seconds = Date.now() / 1_000 - 1;
    utimesSync(`${w.log}.1`, seconds, seconds);
    // gzip gives it the time of the file that it was made from.
    utimesSync(`${w.log}.1.gz`, seconds + laterBySeconds, seconds + laterBySeconds);
    writeFileSync(w.log, "last\n");
    await sees(run, ["known", "between", "last"]);
    expect(skipped(run)).toBe(0);
  },
);

test("two rotations between two looks are no loss while the youngest that was known is there compressed", async () => {
  using w = tailWorld();
  await using run = w.start();
  const lines: string[] = [];
  for (let round = 1; round <= 3; round++) {
    lines.push(`round ${round}`);
    appendFileSync(w.log, `${lines.at(-1)}\n`);
    await sees(run, lines);
    rotateCompressed(w.log);
    // Not compressed yet when it is looked at.
    shiftCompressed(w.log);
    writeFileSync(`${w.log}.1`, `between ${round}\n`);
    writeFileSync(w.log, `after ${round}\n`);
    lines.push(`between ${round}`, `after ${round}`);
    await sees(run, lines);
    unlinkSync(`${w.log}.1`);
  }
  expect(skipped(run)).toBe(0);
  expect(said(run, "tail_rotations_unseen")).toEqual([]);
});

test("a generation that was removed unread is said, though the next one stands compressed in its place", async () => {
  using w = tailWorld();
  await using run = w.start();
  writeFileSync(w.log, "known\n");
  await sees(run, ["known"]);
  rotateCompressed(w.log);
  unlinkSync(`${w.log}.1.gz`);
  writeFileSync(w.log, "never seen\n");
  rotateCompressed(w.log);
  writeFileSync(w.log, "2\n");
  await sees(run, ["known", "2"]);
  expect(said(run, "tail_rotations_unseen")).toHaveLength(1);
});

test("a generation that nobody saw and that was compressed is counted", async () => {
  using w = tailWorld();
  const run = w.start();
  writeFileSync(w.log, "0\n");
  await sees(run, ["0"]);
  const work = await run.stop();
  rotateCompressed(w.log);
  writeFileSync(w.log, "unseen\n");
  rotateCompressed(w.log);
  writeFileSync(w.log, "2\n");
  await using again = w.start(work);
  await until("the last", () => again.intake.lines.includes("2"));
  expect(skipped(again)).toBeGreaterThan(0);
});

function rotateCompressed(log: string): void {
  shiftCompressed(log);
  renameSync(log, `${log}.1`);
  const content = Bun.spawnSync(["gzip", "-c", `${log}.1`]).stdout;
  writeFileSync(`${log}.1.gz`, content);
  unlinkSync(`${log}.1`);
}

function shiftCompressed(log: string): void {
  for (let number = 9; number >= 1; number--) {
    if (existsSync(`${log}.${number}.gz`)) renameSync(`${log}.${number}.gz`, `${log}.${number + 1}.gz`);
  }
}
