import { expect, test } from "bun:test";
import { appendFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { takeTaildirPositions } from "./taildir-positions.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

const inode = (path: string) => statSync(path, { bigint: true }).ino;

test("files go on where Flume stopped, and after a restart where we stopped", async () => {
  using w = tailWorld();
  writeFileSync(w.dir.file("a.log"), "read by Flume\nnew\n");
  writeFileSync(w.dir.file("b.log"), "unknown to Flume\n");
  const [a, path] = [w.dir.file("a.log"), w.dir.file("position.json")];
  writeFileSync(path, `[{"inode":${inode(a)},"pos":14,"file":"${a}"}]`);
  const work = new CommittedWork();
  {
    await using run = w.start(work, {}, { positionsFrom: path });
    await sees(run, ["new", "unknown to Flume"]);
    expect(said(run, "tail_taken_over")).toMatchObject([{ fields: { files: 1 } }]);
    run.intake.commit();
  }
  // Flume's file says what it said: it does not count any more.
  appendFileSync(a, "newer\n");
  await using run = w.start(work, {}, { positionsFrom: path });
  await sees(run, ["new", "unknown to Flume", "newer"]);
});

test("a file that was taken over and in which nothing happens is not read again after a restart", async () => {
  using w = tailWorld();
  const a = w.dir.file("a.log");
  writeFileSync(a, "read by Flume\n");
  writeFileSync(w.dir.file("b.log"), "b\n");
  const path = w.dir.file("position.json");
  writeFileSync(path, `[{"inode":${inode(a)},"pos":14,"file":"${a}"}]`);
  const work = new CommittedWork();
  {
    await using run = w.start(work, {}, { positionsFrom: path });
    await sees(run, ["b"]);
    run.intake.commit();
  }
  await using run = w.start(work, {}, { positionsFrom: path });
  appendFileSync(a, "one\n");
  await sees(run, ["b", "one"]);
});

test("a file that was rotated while nobody read it is read to its end before the new one", async () => {
  using w = tailWorld();
  const a = w.dir.file("a.log");
  writeFileSync(a, "read by Flume\nrest\n");
  const path = w.dir.file("position.json");
  writeFileSync(path, `[{"inode":${inode(a)},"pos":14,"file":"${a}"}]`);
  renameSync(a, `${a}.1`);
  writeFileSync(a, "first of the new one\n");
  await using run = w.start(undefined, {}, { positionsFrom: path });
  await sees(run, ["rest", "first of the new one"]);
});

test("what does not fit is read from its beginning, and said", () => {
  using w = tailWorld();
  const a = w.dir.file("a.log");
  writeFileSync(a, "short\n");
  const path = w.dir.file("position.json");
  const taken = (text: string) => {
    writeFileSync(path, text);
    const { positions, gone } = takeTaildirPositions(path);
    return { files: positions.size, why: gone.map(({ why }) => why).join() };
  };
  expect(taken(`[{"inode":${inode(a)},"pos":6,"file":"${a}"}]`)).toEqual({ files: 1, why: "" });
  expect(taken(`[{"inode":${inode(a)},"pos":7,"file":"${a}"}]`).why).toContain("6 bytes, and Flume had read 7");
  expect(taken(`[{"inode":${inode(a) + 1n},"pos":3,"file":"${a}"}]`).why).toContain("no file of that name");
  expect(taken(`[{"inode":1,"pos":3,"file":"/no/such/folder/x.log"}]`).files).toBe(0);
  expect(taken(`[{"inode":18446744073709551615,"pos":3,"file":"${a}"}]`).files).toBe(0);
  expect(taken('[{"inode":1,"pos":').why).toContain("half written");
  expect(taken('[{"inode":1}]').why).toContain("not a position file");
  expect(taken("")).toEqual({ files: 0, why: "" });
  Bun.spawnSync(["mkfifo", w.dir.file("fifo")]);
  expect(takeTaildirPositions(w.dir.file("fifo")).gone).toMatchObject([{ why: expect.stringContaining("a FIFO") }]);
  expect(takeTaildirPositions(w.dir.file("none")).gone).toMatchObject([{ why: "there is no such file" }]);
});
