/** What logrotate compresses: never read, and no loss where it was read before it was compressed. */
import { expect, test } from "bun:test";
import { appendFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import type { RunningSource } from "../../testing/fakes/running-source.ts";
import { sees, tailWorld } from "./testing/tail-world.ts";

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
  for (let number = 9; number >= 1; number--) {
    try {
      renameSync(`${log}.${number}.gz`, `${log}.${number + 1}.gz`);
    } catch {
      // There are not so many yet.
    }
  }
  renameSync(log, `${log}.1`);
  const content = Bun.spawnSync(["gzip", "-c", `${log}.1`]).stdout;
  writeFileSync(`${log}.1.gz`, content);
  unlinkSync(`${log}.1`);
}
