import { expect, test } from "bun:test";
import { appendFileSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

/** A directory with logs; each start names the ones it asks for. */
function world() {
  const dir = tempDir();
  return {
    file: dir.file,
    start: (names: readonly string[], work?: CommittedWork, config: Record<string, unknown> = {}): RunningSource =>
      runSource({
        definition,
        config: { paths: names.map((name) => dir.file(name)), pollInterval: 30, rotateWait: 60, ...config },
        dataDir: dir.path,
        ...(work === undefined ? {} : { work }),
      }),
    write: (name: string, ...lines: readonly string[]) => appendFileSync(dir.file(name), `${lines.join("\n")}\n`),
    rename: (from: string, to: string) => renameSync(dir.file(from), dir.file(to)),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

async function sees(run: RunningSource, ...lines: readonly string[]): Promise<void> {
  const { intake } = run;
  await until(`${lines.length} lines`, () => intake.lines.length >= lines.length, Boolean, { withinMs: 4_000 });
  // Long enough for more polls: what is repeated would come now.
  const enough = Bun.nanoseconds() + 100e6;
  await until("more polls", () => Bun.nanoseconds() > enough);
  expect([...intake.lines].sort()).toEqual([...lines].sort());
}

function isOpen(path: string): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      // The descriptor that the listing itself used.
      return false;
    }
  });
}

/** Runs until these lines are stored. */
async function past(run: RunningSource, ...lines: readonly string[]): Promise<CommittedWork> {
  await sees(run, ...lines);
  return await run.stop();
}

test("a file that no pattern names any more is neither read nor held open, and read on once one names it again", async () => {
  using w = world();
  w.write("a.log", "a1");
  w.write("b.log", "b1");
  const work = await past(w.start(["a.log", "b.log"]), "a1", "b1");
  w.write("a.log", "a2");
  w.write("b.log", "b2");
  const without = w.start(["a.log"], work);
  await sees(without, "a1", "b1", "a2");
  expect(isOpen(w.file("a.log"))).toBe(true);
  expect(isOpen(w.file("b.log"))).toBe(false);
  await without.stop();
  w.write("b.log", "b3");
  await using again = w.start(["a.log", "b.log"], work);
  await sees(again, "a1", "b1", "a2", "b2", "b3");
});

test("the log says once which files are not named any more, and the status shows them with their positions", async () => {
  using w = world();
  w.write("a.log", "a1");
  w.write("b.log", "b1");
  const work = await past(w.start(["*.log"]), "a1", "b1");
  await using run = w.start(["a.log"], work);
  w.write("b.log", "b2");
  w.write("a.log", "a2");
  await sees(run, "a1", "b1", "a2");
  const said = run.reports.filter(({ signal }) => signal === "tail_files_unnamed");
  expect(said).toEqual([
    { signal: "tail_files_unnamed", fields: { files: 1, unreadBytes: 0, paths: w.file("b.log") } },
  ]);
  expect(run.source.status()).toMatchObject({ unnamed: [{ path: w.file("b.log"), offset: 3, size: 3 }] });
  expect(run.source.status().files).toHaveLength(1);
});

test("what is excluded now is not read any more, and its position is kept", async () => {
  using w = world();
  w.write("a.log", "a1");
  const work = await past(w.start(["*.log"]), "a1");
  w.write("a.log", "a2");
  await past(w.start(["*.log"], work, { exclude: ["a*"] }), "a1");
  await using again = w.start(["*.log"], work);
  await sees(again, "a1", "a2");
});

test("a directory that no pattern is about any more is not looked at", async () => {
  using dir = tempDir();
  using w = world();
  w.write("a.log", "a1");
  const work = await past(w.start(["a.log"]), "a1");
  w.write("a.log", "a2");
  const config = { paths: dir.file("*.log"), pollInterval: 30 };
  await using run = runSource({ definition, config, dataDir: dir.path, work });
  writeFileSync(dir.file("other.log"), "other\n");
  await sees(run, "a1", "other");
  run.intake.commit();
  expect([...work.positions.values()].join()).toContain(w.file("a.log"));
});

test("rotated files of a log that is still named are read to their end, whatever their name", async () => {
  using w = world();
  w.write("a.log", "a1");
  w.write("b.log", "b1");
  const work = await past(w.start(["a.log", "b.log"]), "a1", "b1");
  w.write("a.log", "a2");
  w.rename("a.log", "a.log.1");
  w.write("a.log", "a3");
  await using run = w.start(["a.log"], work);
  await sees(run, "a1", "b1", "a2", "a3");
});

test("a pattern that names just the rotated file goes on in it, and so does one that named it before", async () => {
  using w = world();
  w.write("a.log", "a1");
  const first = w.start(["a.log"]);
  await sees(first, "a1");
  w.rename("a.log", "a.log.1");
  w.write("a.log", "a2");
  const work = await past(first, "a1", "a2");
  w.write("a.log.1", "a1 late");
  w.write("a.log", "a3");
  await past(w.start(["a.log.1"], work), "a1", "a2", "a1 late");
  await using again = w.start(["a.log"], work);
  await sees(again, "a1", "a2", "a1 late", "a3");
});

test("a file that was rotated while nobody named it is read on, its rotated part first", async () => {
  using w = world();
  w.write("b.log", "b1");
  const work = await past(w.start(["b.log"]), "b1");
  w.write("b.log", "b2");
  await past(w.start(["a.log"], work), "b1");
  w.rename("b.log", "b.log.1");
  w.write("b.log", "b3");
  await past(w.start(["a.log"], work), "b1");
  await using again = w.start(["b.log"], work);
  await sees(again, "b1", "b2", "b3");
  expect(again.intake.lines).toEqual(["b1", "b2", "b3"]);
});

test("one whose name begins with a followed log's is not taken for a generation that was missed", async () => {
  using w = world();
  w.write("a.log", "a1");
  w.write("a.log.notes", "n1");
  const work = await past(w.start(["a.log", "a.log.notes"]), "a1", "n1");
  w.write("a.log.notes", "n2");
  w.rename("a.log", "a.log.1");
  w.write("a.log", "a2");
  const without = w.start(["a.log"], work);
  await sees(without, "a1", "n1", "a2");
  w.write("a.log.notes", "n3");
  await past(without, "a1", "n1", "a2");
  await using again = w.start(["a.log", "a.log.notes"], work);
  await sees(again, "a1", "n1", "a2", "n2", "n3");
});

test("one that is renamed to a name the config asks for is followed again where it was left, across restarts", async () => {
  using w = world();
  w.write("b.log", "b1");
  const work = await past(w.start(["b.log"]), "b1");
  const run = w.start(["a.log"], work);
  w.write("b.log", "b2");
  w.rename("b.log", "a.log");
  await sees(run, "b1", "b2");
  expect(run.source.status()).toMatchObject({ unnamed: [] });
  await run.stop();
  w.write("a.log", "b3");
  w.rename("a.log", "a.log.1");
  w.write("a.log", "a1");
  await using again = w.start(["a.log"], work);
  await sees(again, "b1", "b2", "b3", "a1");
});

test("a new file that was given the inode of one that is not named any more is read from its beginning", async () => {
  using w = world();
  w.write("b.log", "b1");
  const work = await past(w.start(["b.log"]), "b1");
  w.write("a.log", "other content");
  const { ino } = await Bun.file(w.file("a.log")).stat();
  for (const [key, text] of work.positions) work.positions.set(key, text.replace(/"inode":"\d+"/, `"inode":"${ino}"`));
  await using run = w.start(["a.log"], work);
  await sees(run, "b1", "other content");
  expect(run.source.status()).toMatchObject({ unnamed: [{ path: w.file("b.log") }] });
  expect(run.intake.counter("lost_at_source")).toBe(0);
});
