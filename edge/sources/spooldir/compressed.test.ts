/** Compressed spool files: read once, in bounded memory, and what is damaged is said. */
import { expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { until } from "../../../shared/testing/until.ts";
import type { CommittedWork } from "../../testing/fakes/intake.ts";
import { spoolWorld as world } from "./testing/spool-world.ts";

const compress = { gzip: gzipSync, zstd: zstdCompressSync };
const codecs = ["gzip", "zstd"] as const;
const many = Array.from({ length: 200_000 }, (_, index) => `line ${index} ${Bun.hash(String(index))}`);

test.each(codecs)("%s: its lines are read, whatever the file's name, and it is put away as it is", async (codec) => {
  using w = world();
  await using run = w.start();
  const members = [compress[codec]("one\ntw"), compress[codec]("o\nthree")];
  w.put("a.csv", Buffer.concat(members));
  await until("the rename", () => w.names().includes("a.csv.COMPLETED"));
  expect(run.intake.work.lines).toEqual(["one", "two", "three"]);
});

test.each(codecs)(
  "%s: killed again and again in the middle, each line is read once",
  async (codec) => {
    using w = world();
    w.put("a.log", compress[codec](`${many.join("\n")}\n`));
    let work: CommittedWork | undefined;
    let kills = 0;
    for (;;) {
      const run = w.start(work);
      const { intake } = run;
      // What the first piece gave is committed, what the second gave is lost with the process.
      let pieces = 0;
      intake.ready = async (signal) => {
        if (++pieces === 3) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        else intake.commit();
      };
      const isDone = () => w.names().includes("a.log.COMPLETED");
      await until("three pieces, or the end", () => pieces === 3 || isDone());
      const wasDone = isDone();
      work = await run.crash();
      if (wasDone) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(2);
    expect(work.lines).toEqual(many);
  },
  30_000,
);

test.each(codecs)(
  "%s: of one that is cut off the whole lines are read, it is put aside and counted, others go on",
  async (codec) => {
    using w = world();
    await using run = w.start();
    const whole = compress[codec](`${many.join("\n")}\n`);
    w.put("a.log", whole.subarray(0, Math.floor(whole.length / 2)));
    await until("the error", () => w.names().includes("a.log.ERROR"));
    w.put("b.log", compress[codec]("after\n"));
    await until("the next", () => w.names().includes("b.log.COMPLETED"));
    const { lines } = run.intake.work;
    expect(lines.at(-1)).toBe("after");
    const read = lines.slice(0, -1);
    expect(read.length).toBeGreaterThan(50_000);
    expect(read).toEqual(many.slice(0, read.length));
    expect(run.intake.counter("spool_file_damaged")).toBe(1);
    expect(run.reports.find(({ signal }) => signal === "spool_file_damaged")?.fields.code).toBe(
      "EDGE_SPOOL_FILE_DAMAGED",
    );
  },
);

test.each(codecs)(
  "%s: with something else behind it all its lines are read, the last one too; it is put aside and counted, others go on",
  async (codec) => {
    using w = world();
    await using run = w.start();
    const members = [compress[codec](`${many.slice(0, 5_000).join("\n")}\nno`), compress[codec](" line end")];
    w.put("a.log", Buffer.concat([...members, Buffer.from("garbage\n")]));
    await until("the error", () => w.names().includes("a.log.ERROR"));
    w.put("b.log", compress[codec]("after\n"));
    await until("the next", () => w.names().includes("b.log.COMPLETED"));
    expect(run.intake.work.lines).toEqual([...many.slice(0, 5_000), "no line end", "after"]);
    expect(run.intake.counter("spool_file_damaged")).toBe(1);
    const said = run.reports.filter(({ signal }) => signal === "spool_file_damaged");
    expect(said).toHaveLength(1);
    expect(said[0]?.fields.error).toContain(`something that is not ${codec} stands behind its ${codec} data`);
  },
);

test("a file that holds more than it may is put aside", async () => {
  using w = world({ decompressedBytesMax: "3MiB" });
  await using run = w.start();
  w.put("bomb.gz", gzipSync(Buffer.alloc(64 * 1024 * 1024, "x\n")));
  await until("the error", () => w.names().includes("bomb.gz.ERROR"));
  expect(run.intake.counter("spool_file_damaged")).toBe(1);
  expect(run.intake.lines.length).toBeLessThanOrEqual((3 * 1024 * 1024) / 2);
});

test("a line that never ends is cut, however much it claims to be", async () => {
  using w = world();
  await using run = w.start();
  w.put(
    "long.zst",
    Buffer.concat([zstdCompressSync(Buffer.alloc(20 * 1024 * 1024, "x")), zstdCompressSync("\nnext\n")]),
  );
  await until("the rename", () => w.names().includes("long.zst.COMPLETED"));
  expect(run.intake.work.lines.map((line) => line.length)).toEqual([512 * 1024, 4]);
});

test("bytes as they are, where it is told not to look into files", async () => {
  using w = world({ decompress: false });
  await using run = w.start();
  w.put("a.gz", gzipSync("one\ntwo\n"));
  await until("the rename", () => w.names().includes("a.gz.COMPLETED"));
  expect(run.intake.work.lines).not.toContain("one");
});
