import { expect, test } from "bun:test";
import { appendFileSync, chmodSync, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { FileReaders } from "../../core/file-readers.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

/** The readers of one agent, with what they say. */
function readersOf(reports: { readonly signal: string; readonly fields: object }[]): FileReaders {
  return new FileReaders((signal, fields = {}) => void reports.push({ signal: signal.name, fields }));
}

const shared = (run: RunningSource) => Object(run.source.status().shared);

test("two sources on one file are warned about once, shown in both, until one lets go; in two agents they are not", async () => {
  using w = tailWorld();
  writeFileSync(w.log, "one\n");
  const reports: { signal: string; fields: object }[] = [];
  const fileReaders = readersOf(reports);
  await using first = w.start(undefined, { name: "first", fileReaders });
  await sees(first, ["one"]);
  const second = w.start(undefined, { name: "second", fileReaders });
  await sees(second, ["one"]);
  expect(reports).toEqual([{ signal: "source_file_shared", fields: { path: w.log, sources: "first, second" } }]);
  expect(shared(first)).toEqual([{ path: w.log, with: [{ source: "second", path: w.log }] }]);
  expect(shared(second)).toEqual([{ path: w.log, with: [{ source: "first", path: w.log }] }]);
  await using other = w.start(undefined, { name: "second" });
  await sees(other, ["one"]);
  expect(shared(other)).toEqual([]);
  await second.stop();
  expect(shared(first)).toEqual([]);
});

test("a second name in another folder is the same file", async () => {
  using w = tailWorld();
  mkdirSync(w.dir.file("other"));
  writeFileSync(w.log, "one\n");
  linkSync(w.log, w.dir.file("other/y.log"));
  const reports: { signal: string; fields: object }[] = [];
  const fileReaders = readersOf(reports);
  await using first = w.start(undefined, { name: "first", fileReaders });
  await sees(first, ["one"]);
  await using second = runSource({
    definition,
    config: { paths: w.dir.file("other/*.log"), pollInterval: 30 },
    dataDir: w.dir.path,
    context: { name: "second", fileReaders },
  });
  await sees(second, ["one"]);
  const fields = { path: w.dir.file("other/y.log"), also: w.log, sources: "first, second" };
  expect(reports).toEqual([{ signal: "source_file_shared", fields }]);
});

test("each file that is followed is said, those of an earlier start with their stored position", async () => {
  using w = tailWorld();
  const paths = Array.from({ length: 30 }, (_, index) => w.dir.file(`${index}.log`));
  for (const path of paths) writeFileSync(path, "one\n");
  const first = w.start();
  await sees(first, Array(30).fill("one"));
  expect(said(first, "tail_file_found").map(({ fields }) => fields.path)).toEqual(expect.arrayContaining(paths));
  const work = await first.stop();
  appendFileSync(paths[0] ?? "", "two\n");
  await using again = w.start(work);
  await sees(again, [...Array(30).fill("one"), "two"]);
  expect(said(again, "tail_file_found")).toEqual([]);
  const resumed = said(again, "tail_file_resumed").map(({ fields }) => fields);
  expect(resumed.map(({ path }) => path).sort()).toEqual([...paths].sort());
  expect(resumed[0]).toMatchObject({ from: 4, owner: process.geteuid?.() ?? 0, inode: expect.any(String) });
});

test("the config, secrets and the data folder are no logs: not by a second name, not once they are named", async () => {
  using w = tailWorld();
  mkdirSync(w.dir.file("etc"));
  const [config, secret] = [w.dir.file("etc/agent.yaml"), w.dir.file("etc/password")];
  writeFileSync(config, "agent: a\n");
  writeFileSync(secret, "secret\n");
  chmodSync(secret, 0o600);
  linkSync(config, w.dir.file("c.log"));
  linkSync(secret, w.dir.file("s.log"));
  writeFileSync(w.log, "one\n");
  await using run = w.start(undefined, { ownFiles: () => [config, secret, w.dir.file("etc/not there")] });
  await sees(run, ["one"]);
  const leftOut = said(run, "tail_left_out").map(({ fields }) => fields);
  expect(leftOut).toContainEqual({ path: w.dir.file("c.log"), reason: "it is one of our own files" });
  expect(leftOut).toContainEqual({ path: w.dir.file("s.log"), reason: "it is one of our own files" });
});
