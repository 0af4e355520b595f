import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import { readMeta } from "./flume-tracker.ts";
import definition from "./index.ts";

/** As Flume writes it: a header, then a block of one record for each position. */
function meta(target: string, offsets: readonly number[]): Buffer {
  const long = (value: number) => {
    const bytes: number[] = [];
    let rest = value * 2;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    return Buffer.from([...bytes, rest]);
  };
  const text = (value: string) => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);
  const sync = Buffer.alloc(16, 7);
  const schema = '{"type":"record","name":"TransferStateFileMeta","fields":[{"name":"offset","type":"long"}]}';
  const entries = [text("avro.schema"), text(schema), text("file"), text(target)];
  const blocks = offsets.map((offset) => Buffer.concat([long(1), long(long(offset).length), long(offset), sync]));
  return Buffer.concat([Buffer.from("Obj\x01"), long(2), ...entries, long(0), sync, ...blocks]);
}

test("the last position of Flume's counts, also when the file's end is cut off", () => {
  const whole = meta("/spool/a", [0, 100, 70_000]);
  expect(readMeta(whole)).toEqual({ target: "/spool/a", offset: 70_000 });
  expect(readMeta(whole.subarray(0, -1))).toEqual({ target: "/spool/a", offset: 100 });
  expect(readMeta(meta("/spool/a", []))).toEqual({ target: "/spool/a", offset: 0 });
  expect(() => readMeta(whole.subarray(0, 40))).toThrow("too early");
  expect(() => readMeta(Buffer.from("a log file"))).toThrow("Avro");
});

function world() {
  const dir = tempDir();
  const spool = dir.file("spool");
  mkdirSync(`${spool}/.flumespool`, { recursive: true });
  const start = (config: object = {}) =>
    runSource({
      definition,
      config: {
        path: spool,
        pollInterval: 10,
        settle: 0,
        trackerFrom: `${spool}/.flumespool`,
        ignore: [".*"],
        ...config,
      },
      dataDir: dir.path,
    });
  return { spool, start, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

test("the file that Flume was reading is gone on with", async () => {
  using w = world();
  writeFileSync(`${w.spool}/a.csv`, "one\ntwo\nthree\n");
  writeFileSync(`${w.spool}/.flumespool/.flumespool-main.meta`, meta(`${w.spool}/a.csv`, [0, 4, 8]));
  await using run = w.start();
  await until("the rename", () => readdirSync(w.spool).includes("a.csv.COMPLETED"));
  expect(run.intake.work.lines).toEqual(["three"]);
});

test("files that Flume has marked as done are not read again", async () => {
  using w = world();
  for (const name of ["a.csv", "b.csv"]) writeFileSync(`${w.spool}/${name}`, `${name}\n`);
  writeFileSync(`${w.spool}/.flumespool/a.csv.COMPLETED`, "");
  await using run = w.start({ done: "tracker" });
  await until("the other one", () => run.intake.work.lines.length > 0);
  expect(run.intake.work.lines).toEqual(["b.csv"]);
});

test("a tracker that makes no sense is said, and the files are read as new ones", async () => {
  using w = world();
  writeFileSync(`${w.spool}/a.csv`, "one\n");
  writeFileSync(`${w.spool}/.flumespool/.flumespool-main.meta`, "nonsense");
  await using run = w.start();
  await until("the line", () => run.intake.work.lines.length > 0);
  expect(run.reports.some(({ signal }) => signal === "spool_not_taken_over")).toBe(true);
});

test("a FIFO in the tracker's place is said, and nobody waits at it", async () => {
  using w = world();
  writeFileSync(`${w.spool}/a.csv`, "one\n");
  Bun.spawnSync(["mkfifo", `${w.spool}/.flumespool/.flumespool-main.meta`]);
  await using run = w.start();
  await until("the line", () => run.intake.work.lines.length > 0);
  const { fields } = run.reports.find(({ signal }) => signal === "spool_not_taken_over") ?? {};
  expect(fields).toMatchObject({ why: expect.stringContaining("it is a FIFO") });
});

test("only names that are included are read", async () => {
  using w = world();
  for (const name of ["a.csv", "b.txt"]) writeFileSync(`${w.spool}/${name}`, `${name}\n`);
  await using run = w.start({ include: ["regex:.*\\.csv"], basenameHeader: "basename" });
  await until("the rename", () => readdirSync(w.spool).includes("a.csv.COMPLETED"));
  expect(run.intake.work.lines).toEqual(["a.csv"]);
});
