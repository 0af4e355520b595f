/** Inodes are given to new files: a copy that has the inode of a file that was read is a copy all the same. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { openRegular } from "../../../shared/files/open-regular.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Directory } from "./directory.ts";
import type { DirectoryBook } from "./directory-book.ts";
import { FileIndex } from "./file-index.ts";
import { openCount } from "./open-count.ts";
import { sees, tailWorld } from "./testing/tail-world.ts";

const lines = (name: string, count: number, width = 60) =>
  Array.from({ length: count }, (_, index) => `${name} ${index} ${"x".repeat(width)}\n`).join("");
const listed = (...texts: readonly string[]) => texts.join("").trimEnd().split("\n");

for (const count of [1, 40]) {
  test(`the inode of another log's generation is given to the copy of a log of ${count} lines`, async () => {
    using w = tailWorld();
    const [other, log] = [w.dir.file("a.log"), w.dir.file("c.log")];
    const first = w.start();
    writeFileSync(other, lines("a", 40));
    writeFileSync(log, lines("c", count, 20));
    const expected = [lines("a", 40), lines("c", count, 20)];
    await sees(first, listed(...expected));
    renameSync(other, `${other}.4`);
    writeFileSync(other, lines("b", 3));
    expected.push(lines("b", 3));
    await sees(first, listed(...expected));
    const work = await first.stop();
    // As if a.log.4 had been removed, and its inode been given to the copy.
    renameSync(`${other}.4`, `${log}.1`);
    writeFileSync(`${log}.1`, readFileSync(log));
    await using again = w.start(work);
    appendFileSync(other, lines("b again", 1));
    expected.push(lines("b again", 1));
    await sees(again, listed(...expected));
    truncateSync(log);
    await until("the truncation", () => statSync(log).size === 0);
    appendFileSync(log, lines("d", 3));
    expected.push(lines("d", 3));
    await sees(again, listed(...expected));
  });
}

/** A folder that is looked at by hand; `beforeOpen` happens in the middle of a look. */
function lookedAt(path: string) {
  const reports: string[] = [];
  let sequence = 0;
  const hooks = { beforeOpen: (_: string) => {} };
  const directory = new Directory(path, {
    report: ({ name }, fields = {}) => void reports.push(`${name} ${String(fields.path)}`),
    start: "beginning",
    ignoreOlderThanMs: undefined,
    matches: (_, name) => name.endsWith(".log"),
    excluded: () => false,
    isFirstLook: () => false,
    nextSequence: () => ++sequence,
    uptimeMs: () => performance.now(),
    wallMs: () => Date.now(),
    moved: () => {},
    open: (file) => {
      hooks.beforeOpen(file);
      return openRegular(file, { owners: undefined, hardLinks: true, keepOut: { has: () => false } });
    },
    index: new FileIndex<DirectoryBook>({ took: () => {}, letGo: () => {} }),
    openCount,
    isNamed: () => false,
    literalNames: () => [],
    mayBeElsewhere: () => false,
    isOutOfReach: () => false,
    boundOpen: () => {},
    before: new Map(),
  });
  return {
    hooks,
    reports,
    directory,
    look: () => directory.scan(() => {}),
    /** Reads a file to its end. */
    read(name: string): void {
      const file = directory.book.fileNamed(name);
      const content = readFileSync(`${path}/${name}`);
      file?.advance(content.length - (file?.offset ?? 0), content, content.length);
    },
    [Symbol.dispose](): void {
      for (const file of directory.book.files) file.close();
    },
  };
}

for (const { to, generation } of [
  { to: "other log's", generation: "a.log.4" },
  { to: "same log's", generation: "c.log.4" },
]) {
  for (const isReadToEnd of [true, false]) {
    const rest = isReadToEnd ? "all of it was read" : "the end of it was not read";
    test(`a copy is finished, and the log truncated, while they are looked at; the inode was the ${to}; ${rest}`, () => {
      using dir = tempDir();
      using w = lookedAt(dir.path);
      const [log, copy, old] = [dir.file("c.log"), dir.file("c.log.1"), dir.file(generation)];
      const oldLog = old.slice(0, -2);
      writeFileSync(oldLog, lines("old", 50));
      w.look();
      w.read(oldLog.slice(dir.path.length + 1));
      renameSync(oldLog, old);
      writeFileSync(oldLog, lines("new", 3));
      writeFileSync(log, lines("c", 20));
      w.look();
      w.look();
      w.read("c.log");
      if (!isReadToEnd) appendFileSync(log, lines("more", 20));
      const closed = w.directory.book.fileNamed(generation);
      closed?.close();
      expect(closed?.offset).toBeGreaterThan(0);
      // The copy is begun: as if the old one had been removed before.
      renameSync(old, copy);
      truncateSync(copy);
      w.hooks.beforeOpen = (path) => {
        if (path !== copy) return;
        w.hooks.beforeOpen = () => {};
        writeFileSync(copy, readFileSync(log));
        truncateSync(log);
      };
      const { length } = readFileSync(log);
      for (let look = 0; look < 4; look++) w.look();
      expect(statSync(log).size).toBe(0);
      const file = w.directory.book.fileNamed("c.log.1");
      // It goes on where the log was, or it is none that is read.
      expect(file?.offset ?? length).toBe(isReadToEnd ? length : lines("c", 20).length);
      expect(w.reports.filter((line) => line.startsWith("tail_lost"))).toEqual([]);
    });
  }
}

test("a log is truncated while its copy, which has the inode of an older one, is compared with it", () => {
  using dir = tempDir();
  using w = lookedAt(dir.path);
  const [log, copy] = [dir.file("c.log"), dir.file("c.log.1")];
  writeFileSync(log, lines("old", 50));
  w.look();
  w.read("c.log");
  renameSync(log, copy);
  writeFileSync(log, lines("c", 20));
  w.look();
  w.look();
  w.read("c.log");
  w.directory.book.fileNamed("c.log.1")?.close();
  const { length } = readFileSync(log);
  copyFileSync(log, copy);
  let opened = 0;
  w.hooks.beforeOpen = (path) => {
    // When it was seen that the log is what it was, and before they are compared.
    if (path === copy && ++opened === 2) truncateSync(log);
  };
  for (let look = 0; look < 4; look++) w.look();
  expect(opened).toBeGreaterThan(1);
  expect(w.directory.book.fileNamed("c.log.1")?.offset ?? length).toBe(length);
  rmSync(copy);
});
