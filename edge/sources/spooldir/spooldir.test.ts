import { expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { until } from "../../../shared/testing/until.ts";
import { FileReaders } from "../../core/file-readers.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { spoolWorld as world } from "./testing/spool-world.ts";

const positions = (run: RunningSource) => {
  run.intake.commit();
  return [...run.intake.work.positions.keys()];
};

test.each(["rename", "delete"])(
  "a file that was read and lost its name to a hard link before it was put away is not read again (%s)",
  async (done) => {
    using w = world({ done });
    await using run = w.start();
    run.intake.holdCommits();
    w.put("a.csv", "one\ntwo\n");
    await until("it to be read", () => run.intake.lines.length === 2 && run.intake.commitsAsked > 0);
    linkSync(w.path("a.csv"), w.path("b.csv"));
    rmSync(w.path("a.csv"));
    run.intake.unblock();
    await until("it to be put away under its other name", () => !w.names().includes("b.csv"));
    w.put("c.csv", "three\n");
    await until("the next", () => run.intake.lines.includes("three"));
    expect(run.intake.lines).toEqual(["one", "two", "three"]);
    await until("nothing to be known any more", () => positions(run).length === 0);
  },
);

test("a complete file is read, its last line without line end too, and renamed once its lines are durable", async () => {
  using w = world();
  await using run = w.start();
  w.put("a.csv", "one\ntwo\nthree");
  await until("the rename", () => w.names().includes("a.csv.COMPLETED"));
  expect(run.intake.work.lines).toEqual(["one", "two", "three"]);
  await until("nothing remembered", () => positions(run).length === 0);
});

test.each(["rename", "delete"])("nothing is done with a file before its lines are durable (%s)", async (done) => {
  using w = world({ done });
  const run = w.start();
  run.intake.holdCommits();
  w.put("a.csv", "one\n");
  await until("the line", () => run.intake.lines.length === 1);
  expect(w.names()).toEqual(["a.csv"]);
  const work = await run.crash();
  expect(w.names()).toEqual(["a.csv"]);
  await using again = w.start(work);
  await until("the end", () => !existsSync(w.path("a.csv")));
  expect(again.intake.work.lines).toEqual(["one"]);
});

test("with a tracker files stay where they are and are never read twice, also under another name", async () => {
  using w = world({ done: "tracker" });
  const run = w.start();
  w.put("a.csv", "one\n");
  await until("the line", () => run.intake.work.lines.length === 1);
  const work = await run.stop();
  renameSync(w.path("a.csv"), w.path("b.csv"));
  await using again = w.start(work);
  w.put("c.csv", "two\n");
  await until("the second", () => again.intake.work.lines.length === 2);
  expect(again.intake.lines).toEqual(["one", "two"]);
  expect(w.names()).toEqual(["b.csv", "c.csv"]);
  rmSync(w.path("b.csv"));
  await until("the first to be forgotten", () => positions(again).join() === "c.csv");
});

test("a killed agent goes on in the middle of a file", async () => {
  using w = world();
  const lines = Array.from({ length: 60_000 }, (_, index) => `line ${index} ${"x".repeat(60)}`);
  const run = w.start();
  w.put("big.csv", `${lines.join("\n")}\n`);
  await until("some lines", () => run.intake.pending.length > 0, Boolean, { everyMs: 1 });
  run.intake.block();
  run.intake.commit();
  const work = await run.crash();
  expect(work.lines.length).toBeLessThan(lines.length);
  await using again = w.start(work);
  await until("the rename", () => existsSync(w.path("big.csv.COMPLETED")));
  expect(again.intake.lines).toEqual(lines);
});

test.each([
  ["appended to", (path: string) => appendFileSync(path, "more\n")],
  ["truncated", (path: string) => truncateSync(path, 10)],
  [
    "replaced",
    (path: string) => {
      writeFileSync(`${path}.tmp`, "other\n".repeat(50_000));
      renameSync(`${path}.tmp`, path);
    },
  ],
])("a file that is %s while it is read is an error for that file alone", async (_, change) => {
  using w = world({ order: "name" });
  await using run = w.start();
  w.put("a.csv", `${"x".repeat(99)}\n`.repeat(50_000));
  w.put("b.csv", "good\n");
  await until("some lines", () => run.intake.pending.length > 0, Boolean, { everyMs: 1 });
  run.intake.block();
  change(w.path("a.csv"));
  run.intake.unblock();
  await until("the other file", () => existsSync(w.path("b.csv.COMPLETED")));
  expect(w.names()).toEqual(["a.csv.ERROR", "b.csv.COMPLETED"]);
  expect(run.intake.lines.at(-1)).toBe("good");
  expect(run.intake.counter("spool_file_changed")).toBe(1);
  expect(run.reports.find(({ signal }) => signal === "spool_file_changed")?.fields.code).toBe(
    "EDGE_SPOOL_FILE_CHANGED",
  );
  expect(run.source.status().errors).toEqual([
    { file: "a.csv", reason: "it was changed or replaced while it was read" },
  ]);
});

test("a name that comes again is an error for that file alone, and its lines are not read", async () => {
  using w = world();
  await using run = w.start();
  w.put("a.csv", "one\n");
  await until("the rename", () => existsSync(w.path("a.csv.COMPLETED")));
  w.put("a.csv", "two\n");
  await until("the second to be put aside", () => existsSync(w.path("a.csv.ERROR")));
  w.put("b.csv", "three\n");
  await until("the third", () => existsSync(w.path("b.csv.COMPLETED")));
  expect(run.intake.work.lines).toEqual(["one", "three"]);
});

test("a tracked file that is written after it was done is listed as an error and left alone", async () => {
  using w = world({ done: "tracker" });
  const run = w.start();
  w.put("a.csv", "one\n");
  await until("the line", () => run.intake.work.lines.length === 1);
  appendFileSync(w.path("a.csv"), "two\n");
  await until("the error", () => run.intake.counter("spool_file_changed") === 1);
  const work = await run.stop();
  await using again = w.start(work);
  w.put("b.csv", "three\n");
  await until("the other", () => again.intake.work.lines.length === 2);
  expect(again.intake.lines).toEqual(["one", "three"]);
  expect(again.source.status().errors).toHaveLength(1);
  expect(again.intake.counter("spool_file_changed")).toBe(1);
});

test.each([
  ["mtime", ["z", "a"]],
  ["name", ["a", "z"]],
])("files are read in the order of their %s", async (order, expected) => {
  using w = world({ order });
  w.put("a.csv", "a\n");
  w.put("z.csv", "z\n");
  utimesSync(w.path("z.csv"), 1_000, 1_000);
  await using run = w.start();
  await until("both", () => run.intake.lines.length === 2);
  expect(run.intake.lines).toEqual(expected);
});

test("ignored names, folders and files that were done before are left alone; folders are read when asked for", async () => {
  using w = world();
  for (const name of [".hidden", "x.tmp", "y.part", "old.COMPLETED", "bad.ERROR"]) w.put(name, "no\n");
  mkdirSync(w.path("sub"));
  writeFileSync(w.path("sub/s.csv"), "below\n");
  const run = w.start();
  w.put("a.csv", "yes\n");
  await until("the rename", () => existsSync(w.path("a.csv.COMPLETED")));
  const work = await run.stop();
  expect(work.lines).toEqual(["yes"]);
  await using deep = runSource({
    definition,
    config: { path: w.spool, pollInterval: 10, settle: 0, recursive: true },
    dataDir: w.dir.path,
    work,
  });
  await until("the one below", () => existsSync(w.path("sub/s.csv.COMPLETED")));
  expect(deep.intake.lines).toEqual(["yes", "below"]);
});

test("a file that is still being copied in is waited for", async () => {
  using w = world({ settle: 150 });
  await using run = w.start();
  writeFileSync(w.path("a.csv"), "one\n");
  const copying = setInterval(() => appendFileSync(w.path("a.csv"), "more\n"), 20);
  const stop = Bun.nanoseconds() + 300e6;
  await until("a while", () => Bun.nanoseconds() > stop);
  clearInterval(copying);
  expect(run.intake.lines).toEqual([]);
  await until("the rename", () => existsSync(w.path("a.csv.COMPLETED")));
  expect(run.intake.lines.length).toBeGreaterThan(5);
});

test("NUL bytes, invalid UTF-8, empty and very long lines do not stop a file", async () => {
  using w = world({ lineBytesMax: 1024 });
  await using run = w.start();
  w.put("a.csv", "");
  writeFileSync(
    w.dir.file("new"),
    Buffer.concat([Buffer.from([0, 255, 254, 10, 10]), Buffer.alloc(3_000_000, "x"), Buffer.from("\nend\n")]),
  );
  renameSync(w.dir.file("new"), w.path("b.csv"));
  await until("the rename", () => existsSync(w.path("b.csv.COMPLETED")));
  expect(run.intake.lines).toEqual(["\u0000\u00ff\u00fe", "", "x".repeat(1024), "end"]);
  expect(run.intake.events[2]?.headers).toEqual({ cut: "1024" });
  expect(run.intake.counter("cut")).toBe(1);
  expect(run.intake.counter("cut_bytes")).toBe(3_000_000 - 1024);
});

test("a file that is removed before it was read to its end is counted as lost", async () => {
  using w = world();
  const run = w.start();
  w.put("a.csv", `${"x".repeat(99)}\n`.repeat(50_000));
  await until("some lines", () => run.intake.pending.length > 0, Boolean, { everyMs: 1 });
  run.intake.block();
  run.intake.commit();
  const work = await run.crash();
  rmSync(w.path("a.csv"));
  await using again = w.start(work);
  await until("the loss", () => again.intake.counter("lost_at_source") > 0);
  expect(again.intake.counter("lost_at_source")).toBe(5_000_000 - again.intake.lines.length * 100);
});

test("odd entries hide nothing beside them, and are never waited for", async () => {
  using w = world();
  w.put("a.csv", "one\n");
  symlinkSync("a.csv/y", w.path("bad.csv"));
  symlinkSync("loop.csv", w.path("loop.csv"));
  symlinkSync("nowhere", w.path("nowhere.csv"));
  Bun.spawnSync(["mkfifo", w.path("fifo.csv")]);
  symlinkSync(`/proc/${process.pid}/environ`, w.path("environ.csv"));
  const odd = Buffer.concat([Buffer.from(`${w.spool}/`), Buffer.from([0xff, 0x2e])]);
  writeFileSync(odd, "two\n");
  await using run = w.start();
  await until("both", () => run.intake.work.lines.length === 2);
  await until("the renames", () => w.names().filter((name) => name.endsWith(".COMPLETED")).length === 2);
  expect([...run.intake.lines].sort()).toEqual(["one", "two"]);
  expect(JSON.stringify(run.source.status().leftOut)).toContain("a FIFO");
  const leftOut = run.reports.filter(({ signal }) => signal === "spool_left_out").map(({ fields }) => fields.file);
  expect([...new Set(leftOut)].sort()).toEqual(["bad.csv", "environ.csv", "fifo.csv", "loop.csv", "nowhere.csv"]);
});

test("a name that is too long for its suffix stops no other file: it is read, said, left where it is, and not read again", async () => {
  using w = world();
  const long = `${"n".repeat(251)}.csv`;
  w.put(long, "long\n");
  w.put("z.csv", "short\n");
  const run = w.start();
  await until("both", () => run.intake.work.lines.length === 2);
  await until("the neighbour's rename", () => w.names().includes("z.csv.COMPLETED"));
  await until("the word", () => JSON.stringify(run.source.status().leftOut).includes("cannot be put away"));
  expect(w.names()).toContain(long);
  const work = await run.crash();
  await using again = w.start(work);
  w.put("y.csv", "later\n");
  await until("the next file", () => w.names().includes("y.csv.COMPLETED"));
  expect([...again.intake.work.lines].sort()).toEqual(["later", "long", "short"]);
});

test("a file that another source reads as well is said, until it is put away", async () => {
  using w = world({ done: "tracker" });
  w.put("a.csv", "one\n");
  const said: object[] = [];
  const fileReaders = new FileReaders((_, fields = {}) => void said.push(fields));
  const other = { name: "tail", pathOf: () => w.path("a.csv") };
  fileReaders.join(other, new Metrics());
  await using run = runSource({
    definition,
    config: { path: w.spool, pollInterval: 10, settle: 0, done: "tracker" },
    dataDir: w.dir.path,
    context: { name: "spool", fileReaders },
  });
  await until("the line", () => run.intake.lines.length === 1);
  expect(said).toEqual([{ path: w.path("a.csv"), sources: "tail, spool" }]);
  expect(run.source.status().shared).toEqual([
    { path: w.path("a.csv"), with: [{ source: "tail", path: w.path("a.csv") }] },
  ]);
  renameSync(w.path("a.csv"), w.dir.file("elsewhere"));
  await until("nothing shared", () => fileReaders.sharedBy(other).length === 0);
});
