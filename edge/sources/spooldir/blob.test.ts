/** A whole file an event. */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { CommittedWork } from "../../testing/fakes/intake.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

function world(config: Record<string, unknown> = {}) {
  const dir = tempDir();
  const spool = dir.file("spool");
  mkdirSync(spool);
  return {
    names: () => readdirSync(spool).sort(),
    put(name: string, bytes: Buffer): void {
      writeFileSync(dir.file("new"), bytes);
      renameSync(dir.file("new"), `${spool}/${name}`);
    },
    start: (work?: CommittedWork) =>
      runSource({
        definition,
        config: { path: spool, pollInterval: 10, settle: 0, order: "name", deserializer: "blob", ...config },
        dataDir: dir.path,
        ...(work === undefined ? {} : { work }),
      }),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

/** Every byte there is, line feeds and NUL among them, as latin1 text of the fake intake. */
const bytes = (length: number) => Buffer.from(Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255));

test("a file's bytes are one event, with line ends and all; what is compressed too; an empty file is none", async () => {
  using w = world({ basenameHeader: "name" });
  await using run = w.start();
  w.put("a.bin", bytes(3_000));
  w.put("b.json", Buffer.from('{\n  "a": 1\n}\n'));
  w.put("c.gz", gzipSync(bytes(70_000)));
  w.put("d.empty", Buffer.alloc(0));
  await until(
    "all to be put away",
    () => w.names().every((name) => name.endsWith(".COMPLETED")) && w.names().length === 4,
  );
  const events = run.intake.work.events.toSorted((a, b) =>
    String(a.headers.name).localeCompare(String(b.headers.name)),
  );
  expect(events.map(({ headers }) => headers.name)).toEqual(["a.bin", "b.json", "c.gz"]);
  expect(events.map(({ body }) => body)).toEqual([
    bytes(3_000).toString("latin1"),
    '{\n  "a": 1\n}\n',
    bytes(70_000).toString("latin1"),
  ]);
});

test("a larger file becomes several events, each once over kills in the middle", async () => {
  using w = world({ blobBytesMax: 300_000 });
  const whole = bytes(3_000_001);
  w.put("a.bin", whole);
  let work: CommittedWork | undefined;
  let kills = 0;
  for (;;) {
    const run = w.start(work);
    const { intake } = run;
    let pieces = 0;
    // What the first piece gave is committed, what the second gave is lost with the process.
    intake.ready = async (signal) => {
      if (++pieces === 3) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      else intake.commit();
    };
    const isDone = () => w.names().includes("a.bin.COMPLETED");
    await until("three pieces, or the end", () => pieces === 3 || isDone());
    const wasDone = isDone();
    work = await run.crash();
    if (wasDone) break;
    kills++;
  }
  expect(kills).toBeGreaterThan(0);
  expect(work.lines.map(({ length }) => length)).toEqual([...Array.from({ length: 10 }, () => 300_000), 1]);
  expect(work.lines.join("")).toBe(whole.toString("latin1"));
});
