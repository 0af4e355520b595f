/** Another folder stands in the place of the spool, or of a folder in it: its disk is not mounted for a while. */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { until } from "../../../shared/testing/until.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { spoolWorld as world } from "./testing/spool-world.ts";

const said = (run: RunningSource) => run.reports.map(({ signal }) => signal);
const known = (run: RunningSource) => {
  run.intake.commit();
  return [...run.intake.work.positions.keys()].sort();
};
/** So many looks, at least: of each a marker file is read. */
async function looks(run: RunningSource, put: (name: string) => void, count = 3): Promise<void> {
  for (let look = 0; look < count; look++) {
    const marker = `marker ${run.intake.lines.length}`;
    put(marker);
    await until(marker, () => run.intake.lines.includes(marker));
  }
}

test.each(["", "/sub"])(
  "the disk of spool%s is away while it runs: its files are not read again, and it is said",
  async (sub) => {
    using w = world({ done: "tracker", recursive: true });
    const folder = `${w.spool}${sub}`;
    mkdirSync(folder, { recursive: true });
    for (const name of ["a", "b"]) writeFileSync(`${folder}/${name}`, `${name}\n`);
    await using run = w.start();
    await until("the lines", () => run.intake.lines.length === 2);
    const marker = (name: string) => w.put(name.replace(" ", "-"), `${name}\n`);
    renameSync(folder, w.dir.file("disk"));
    mkdirSync(folder);
    await looks(run, marker);
    expect(said(run).filter((name) => name === "spool_folder_elsewhere")).toHaveLength(1);
    expect(run.source.status()).toMatchObject({ elsewhere: [{ path: sub === "" ? "." : "sub", files: 2 }] });
    renameSync(folder, w.dir.file("bare"));
    renameSync(w.dir.file("disk"), folder);
    await looks(run, marker);
    expect(run.intake.lines.filter((line) => !line.startsWith("marker"))).toEqual(["a", "b"]);
    expect(said(run)).not.toContain("spool_file_changed");
  },
);

test.each(["tracker", "rename", "delete"])("the disk is away at one start (%s)", async (done) => {
  using w = world({ done });
  let run = w.start();
  run.intake.holdCommits();
  for (const name of ["a", "b"]) w.put(name, `${name}\n`);
  if (done === "tracker") run.intake.unblock();
  await until("the lines", () => run.intake.lines.length === 2);
  let work = await run.stop();
  renameSync(w.spool, w.dir.file("disk"));
  mkdirSync(w.spool);
  run = w.start(work);
  await until(
    "the word, or nothing to be known",
    () => said(run).includes("spool_folder_elsewhere") || known(run).length === 0,
  );
  await looks(run, (name) => w.put(name.replace(" ", "-"), `${name}\n`));
  work = await run.stop();
  renameSync(w.spool, w.dir.file("bare"));
  renameSync(w.dir.file("disk"), w.spool);
  await using again = w.start(work);
  await looks(again, (name) => w.put(`last-${name.replace(" ", "-")}`, `${name}\n`));
  expect(again.intake.work.lines.filter((line) => !line.startsWith("marker")).sort()).toEqual(["a", "b"]);
});

test("files of one name in two folders that take turns are two files, each read once", async () => {
  using w = world({ done: "tracker" });
  await using run = w.start();
  w.put("a", "one\n");
  await until("one", () => run.intake.lines.length === 1);
  const swap = (from: string, to: string) => {
    renameSync(w.spool, w.dir.file(from));
    renameSync(w.dir.file(to), w.spool);
  };
  mkdirSync(w.dir.file("bare"));
  swap("disk", "bare");
  w.put("a", "the other\n");
  await until("the other", () => run.intake.lines.includes("the other"));
  for (let round = 0; round < 2; round++) {
    swap("bare", "disk");
    w.put(`d${round}`, `disk ${round}\n`);
    await until("more of the disk", () => run.intake.lines.includes(`disk ${round}`));
    swap("disk", "bare");
    w.put(`b${round}`, `bare ${round}\n`);
    await until("more of the bare one", () => run.intake.lines.includes(`bare ${round}`));
  }
  expect(run.intake.lines).toEqual(["one", "the other", "disk 0", "bare 0", "disk 1", "bare 1"]);
  swap("bare", "disk");
  // What is removed from a folder that is back is forgotten.
  for (const name of readdirSync(w.spool)) rmSync(w.path(name));
  await until("those of the disk to be forgotten", () => known(run).length === 3);
  expect(said(run)).not.toContain("spool_file_changed");
});

test("files that an older version knew are taken over", async () => {
  using w = world({ done: "tracker" });
  const run = w.start();
  w.put("a", "one\n");
  await until("one", () => run.intake.work.lines.length === 1);
  const work = await run.stop();
  for (const [key, text] of work.positions) {
    const { folder: _, ...older } = JSON.parse(text);
    work.positions.set(key, JSON.stringify(older));
  }
  await using again = w.start(work);
  await until("its folder to be stored", () => {
    again.intake.commit();
    return again.intake.work.positions.get("a")?.includes('"folder"') === true;
  });
  expect(again.intake.lines).toEqual(["one"]);
});

test("a link that leads to nothing is said and counted, and what was read through it is not read again", async () => {
  using w = world({ done: "tracker" });
  const metrics = new Metrics();
  await using run = runSource({
    definition,
    config: { path: w.spool, pollInterval: 10, settle: 0, done: "tracker" },
    dataDir: w.dir.path,
    context: { metrics },
  });
  writeFileSync(w.dir.file("target"), "one\n");
  symlinkSync(w.dir.file("target"), w.path("a"));
  await until("one", () => run.intake.lines.length === 1);
  renameSync(w.dir.file("target"), w.dir.file("away"));
  await until("the word", () => said(run).includes("spool_left_out"));
  expect(run.reports.find(({ signal }) => signal === "spool_left_out")?.fields).toEqual({
    file: "a",
    reason: "it is a link that leads to nothing",
  });
  expect(metrics.render()).toContain('tailgate_source_left_out{source="test"} 1');
  const marker = (name: string) => w.put(name.replace(" ", "-"), `${name}\n`);
  await looks(run, marker);
  renameSync(w.dir.file("away"), w.dir.file("target"));
  await looks(run, marker);
  expect(run.intake.lines.filter((line) => line === "one")).toHaveLength(1);
});
