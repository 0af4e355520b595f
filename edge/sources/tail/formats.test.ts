/** Files that are more than bytes between line feeds: UTF-16, and the logs of containers. */
import { expect, test } from "bun:test";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import definition from "./index.ts";
import { said, sees, tailWorld } from "./testing/tail-world.ts";

const utf16 = (text: string) => Buffer.from(text, "utf16le");
const mark = "\u{feff}";
const latin1 = (text: string) => Buffer.from(text).toString("latin1");

test("encoding: auto reads a file with the mark of UTF-16 as text and others as bytes, byte by byte, across restarts", async () => {
  using w = tailWorld({ encoding: "auto" });
  writeFileSync(w.dir.file("y.log"), "a\xffb\n", "latin1");
  let run = w.start();
  await sees(run, ["a\xffb"]);
  const file = utf16(`${mark}hi\nzwei ä\n三\n`);
  for (const [index, byte] of file.entries()) {
    appendFileSync(w.log, Buffer.from([byte]));
    if (index % 5 === 0) await Bun.sleep(15);
    if (index !== 14) continue;
    const work = await run.crash();
    run = w.start(work);
  }
  await using last = run;
  await sees(last, ["a\xffb", "hi", latin1("zwei ä"), latin1("三")]);
  expect(said(last, "tail_utf16_as_bytes")).toEqual([]);
});

test("a rotated file of UTF-16 is read to its end, and the next one begins with its own mark", async () => {
  using w = tailWorld({ encoding: "auto" });
  await using run = w.start();
  const long = "x".repeat(100);
  writeFileSync(w.log, utf16(`${mark}${long}\nhalf`));
  await sees(run, [long]);
  renameSync(w.log, `${w.log}.1`);
  writeFileSync(w.log, utf16(`${mark}two\n`));
  await sees(run, [long, "half", "two"]);
});

test("read as bytes a file of UTF-16 is said once, with what would help", async () => {
  using w = tailWorld();
  for (const name of ["a.log", "b.log"]) writeFileSync(w.dir.file(name), utf16(`${mark}hi\n`));
  await using run = w.start();
  await until("both", () => run.intake.lines.length === 2);
  expect(said(run, "tail_utf16_as_bytes")).toHaveLength(1);
});

const time = "2026-11-26T17:00:00.123456789Z";
const cri = (stream: string, tag: "P" | "F", text: string) => `${time} ${stream} ${tag} ${text}\n`;

test("lines of containers in pieces are joined across a crash in the middle, and nothing between them is repeated", async () => {
  using w = tailWorld({ format: "cri", streamHeader: "stream" });
  appendFileSync(w.log, cri("stdout", "P", "a") + cri("stderr", "F", "between"));
  const first = w.start();
  await sees(first, ["between"]);
  first.intake.commit();
  appendFileSync(w.log, cri("stdout", "P", "b") + cri("stderr", "F", "not committed"));
  await until("the next", () => first.intake.lines.length === 2);
  const work = await first.crash();
  await using again = w.start(work);
  await sees(again, ["between", "not committed"]);
  appendFileSync(w.log, cri("stdout", "F", "c"));
  await sees(again, ["between", "not committed", "abc"]);
  again.intake.commit();
  expect(again.intake.work.events.at(-1)).toEqual({
    body: "abc",
    headers: { stream: "stdout" },
    eventTimeMs: Date.UTC(2026, 10, 26, 17, 0, 0, 123),
  });
});

test("docker: records are unwrapped, what is none passes as it is, a rotated file gives what is open", async () => {
  using w = tailWorld({ format: "docker" });
  await using run = w.start();
  const record = (log: string) => `${JSON.stringify({ log, stream: "stdout", time })}\n`;
  writeFileSync(w.log, `${record("one\n")}{"log":"broken\n${record("half of it")}`);
  await sees(run, ["one", '{"log":"broken']);
  renameSync(w.log, `${w.log}.1`);
  writeFileSync(w.log, record("two\n"));
  await sees(run, ["one", '{"log":"broken', "half of it", "two"]);
});

test.each([
  [{ format: "cri", multiline: { start: "^x" } }, "multiline"],
  [{ format: "docker", encoding: "auto" }, "encoding"],
  [{ streamHeader: "stream" }, "streamHeader"],
])("what does not go together is refused: %j", (config, field) => {
  const reading = definition.read({ paths: "/L/x.log", ...config });
  expect(reading.ok ? [] : reading.issues.map(({ path }) => path.join("."))).toEqual([field]);
});
