/** What one object has open goes to the next one, with all that only a descriptor leads to. */
import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { FakeIntake } from "../../testing/fakes/intake.ts";
import { sourceContext } from "../../testing/fakes/running-source.ts";
import { configSchema } from "./config.ts";
import { TailSource } from "./source.ts";

const text = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `line ${from + index} ${"x".repeat(40)}\n`).join("");

/** Descriptors of this process that lead into the folder, also to what is deleted there. */
function openIn(folder: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${folder}/`);
    } catch {
      return false; // The one that lists them is gone.
    }
  }).length;
}

test("a log that was deleted, and one that was moved to where nobody looks, are read to their ends", async () => {
  using dir = tempDir();
  const logs = dir.file("logs");
  mkdirSync(logs);
  mkdirSync(dir.file("elsewhere"));
  const reported: string[] = [];
  const make = () =>
    new TailSource(
      configSchema().parse({ paths: `${logs}/*.log`, pollInterval: 20, rotateWait: 40 }),
      sourceContext(dir.file("data"), ({ name }) => void reported.push(name)),
    );
  writeFileSync(`${logs}/a.log`, text(0, 3));
  writeFileSync(`${logs}/b.log`, text(10, 3));
  const before = make();
  const stop = new AbortController();
  const intake = new FakeIntake();
  const running = before.run(intake, stop.signal);
  await until("the first lines", () => intake.lines.length === 6);
  // Written, and gone, in one turn: nobody had the time to read it.
  appendFileSync(`${logs}/a.log`, text(3, 2));
  rmSync(`${logs}/a.log`);
  appendFileSync(`${logs}/b.log`, text(13, 2));
  renameSync(`${logs}/b.log`, dir.file("elsewhere/b.log"));
  stop.abort();
  await running;
  intake.commit();
  const held = before.handOver();
  await before.stop();

  const after = make();
  after.takeOver(held);
  const next = new FakeIntake(intake.work);
  const stopAfter = new AbortController();
  const runningAfter = after.run(next, stopAfter.signal);
  await until("the last lines", () => next.lines.length >= 10, undefined, { withinMs: 10_000 });
  stopAfter.abort();
  await runningAfter;
  await after.stop();
  const wanted = (text(3, 2) + text(13, 2)).trimEnd().split("\n");
  expect([...next.lines].slice(-4).sort()).toEqual(wanted.sort());
  expect(reported).not.toContain("tail_lost_at_source");
  expect(openIn(logs) + openIn(dir.file("elsewhere"))).toBe(0);
}, 30_000);

test("what the next one does not ask for is closed", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("a.log"), text(0, 3));
  const make = (path: string) =>
    new TailSource(configSchema().parse({ paths: dir.file(path), pollInterval: 20 }), sourceContext(dir.file("data")));
  const before = make("a.log");
  const stop = new AbortController();
  const intake = new FakeIntake();
  const running = before.run(intake, stop.signal);
  await until("the lines", () => intake.lines.length === 3);
  stop.abort();
  await running;
  intake.commit();
  const held = before.handOver();
  await before.stop();
  expect(openIn(dir.path)).toBe(1);
  const after = make("b.log");
  after.takeOver(held);
  const runningAfter = after.run(new FakeIntake(intake.work), stop.signal);
  await runningAfter;
  await after.stop();
  expect(openIn(dir.path)).toBe(0);
});
