/** Between the picture of a folder and the opening of what it shows, the folder goes on. */
import { expect, spyOn, test } from "bun:test";
import { appendFileSync, copyFileSync, existsSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { Newcomers } from "./newcomers.ts";
import { openCount } from "./open-count.ts";
import type { FolderSnapshot } from "./snapshot.ts";
import { linesOf, numbered, said, sees, tailWorld } from "./testing/tail-world.ts";
import { UnnamedFiles } from "./unnamed-files.ts";

const generations = [5, 4, 3, 2, 1];

for (const rotations of [1, 2, 3]) {
  test(`closed files are renamed ${rotations} times more while a folder is looked at: nothing is read again`, async () => {
    using w = tailWorld({ idleClose: 100, openFilesMax: 1 }, "x.log");
    const expected: string[] = [];
    const path = (generation: number) => (generation === 0 ? w.log : `${w.log}.${generation}`);
    const write = (name: string) => {
      appendFileSync(w.log, numbered(name, 20));
      expected.push(numbered(name, 20));
    };
    const lines = () => linesOf(...expected);
    const rotate = () => {
      for (const to of generations) if (existsSync(path(to - 1))) renameSync(path(to - 1), path(to));
    };
    write("first");
    await using run = w.start();
    await sees(run, lines());
    for (const name of ["second", "third"]) {
      rotate();
      write(name);
      await sees(run, lines());
    }
    await until("they are closed", () => openCount.now <= 1);
    // The scan that sees the first rotation: before it opens what it has seen, there are others.
    const original = UnnamedFiles.prototype.find;
    const find = spyOn(UnnamedFiles.prototype, "find");
    let left = rotations;
    find.mockImplementation(function (this: UnnamedFiles, snapshot) {
      if (left > 0 && snapshot.entries.has("x.log.3")) {
        for (; left > 0; left--) {
          rotate();
          write(`between ${left}`);
        }
      }
      return original.call(this, snapshot);
    });
    rotate();
    write("fourth");
    await until("the scan", () => left === 0);
    await sees(run, lines());
    find.mockRestore();
  });
}

for (const [state, config] of [
  ["open", {}],
  ["closed", { idleClose: 100, openFilesMax: 1 }],
] as const) {
  for (const refilled of [0, 5, 40]) {
    test(`an older copy is compressed, and while the folder is looked at the log is copied and truncated, and ${refilled} lines come (${state}): nothing is read again`, async () => {
      using w = tailWorld(config, "x.log");
      const expected = [numbered("first", 20)];
      const write = (name: string, count: number) => {
        appendFileSync(w.log, numbered(name, count));
        expected.push(numbered(name, count));
      };
      appendFileSync(w.log, numbered("first", 20));
      await using run = w.start();
      await sees(run, linesOf(...expected));
      copyFileSync(w.log, `${w.log}.1`);
      truncateSync(w.log);
      write("second", 20);
      await sees(run, linesOf(...expected));
      if (state === "closed") await until("they are closed", () => openCount.now === 0);
      const original = UnnamedFiles.prototype.find;
      const find = spyOn(UnnamedFiles.prototype, "find");
      let isCopied = false;
      find.mockImplementation(function (this: UnnamedFiles, snapshot) {
        if (!isCopied && snapshot.entries.has("x.log.2.gz") && !snapshot.entries.has("x.log.1")) {
          isCopied = true;
          copyFileSync(w.log, `${w.log}.1`);
          truncateSync(w.log);
          if (refilled > 0) write("between", refilled);
        }
        return original.call(this, snapshot);
      });
      rmSync(`${w.log}.1`);
      writeFileSync(`${w.log}.2.gz`, Bun.gzipSync(numbered("first", 20)));
      await until("the scan", () => isCopied);
      write("after", 3);
      await sees(run, linesOf(...expected));
      find.mockRestore();
      expect(said(run, "tail_rotations_unseen")).toEqual([]);
    });
  }
}

/** A log that is copied and truncated, and what was written to it. */
function copyingWorld(names: string, others: number) {
  const w = tailWorld({}, names);
  for (let other = 0; other < others; other++) writeFileSync(w.dir.file(`other-${other}.log`), "");
  const expected: string[] = [];
  const path = (generation: number) => `${w.log}.${generation}`;
  return {
    ...w,
    write: (name: string, count: number) => {
      appendFileSync(w.log, numbered(name, count));
      expected.push(numbered(name, count));
    },
    copyTruncate: () => {
      for (const to of generations) if (existsSync(path(to - 1))) renameSync(path(to - 1), path(to));
      copyFileSync(w.log, path(1));
      truncateSync(w.log);
    },
    lines: () => linesOf(...expected),
    [Symbol.dispose]: () => w.dir[Symbol.dispose](),
  };
}

/** Moments of a scan, after its picture was taken: what is done in them with that picture. */
const moments = {
  "its files are opened": (act: (snapshot: FolderSnapshot) => void) => {
    const original = UnnamedFiles.prototype.find;
    return spyOn(UnnamedFiles.prototype, "find").mockImplementation(function (this: UnnamedFiles, snapshot) {
      act(snapshot);
      return original.call(this, snapshot);
    });
  },
  "what is new is met": (act: (snapshot: FolderSnapshot) => void) => {
    const original = Newcomers.prototype.meet;
    return spyOn(Newcomers.prototype, "meet").mockImplementation(function (this: Newcomers, ...of) {
      act(of[1]);
      return original.apply(this, of);
    });
  },
};

for (const [moment, before] of Object.entries(moments)) {
  for (const [names, others] of [
    ["x.log", 0],
    ["x.log*", 0],
    ["*.log", 300],
  ] as const) {
    for (const times of [1, 2, 3]) {
      test(`${names} and ${others} others; copied and truncated, and ${times} times more before ${moment}: each line once, in order`, async () => {
        using w = copyingWorld(names, others);
        w.write("first", 20);
        await using run = w.start();
        await sees(run, w.lines());
        let left: number = times;
        using spy = before(({ entries }) => {
          if (!entries.has("x.log.1")) return;
          for (; left > 0; left--) {
            w.copyTruncate();
            w.write(`between ${left}`, 25 + left);
          }
        });
        w.write("unread", 30);
        w.copyTruncate();
        w.write("second", 20);
        await until("the scan", () => left === 0);
        w.write("last", 3);
        await sees(run, w.lines());
        expect(run.intake.lines).toEqual(w.lines());
        expect(spy).toHaveBeenCalled();
      });
    }
  }
}

for (const [moment, before] of Object.entries(moments)) {
  for (const times of [1, 2]) {
    test(`copied and truncated, and ${times} times more before ${moment}, and the agent ends after that look: each line once, in order`, async () => {
      using w = copyingWorld("x.log", 0);
      w.write("first", 20);
      const run = w.start();
      await sees(run, w.lines());
      let left: number = times;
      let ending: Promise<unknown> | undefined;
      using spy = before(({ entries }) => {
        if (!entries.has("x.log.1")) return;
        for (; left > 0; left--) {
          w.copyTruncate();
          w.write(`between ${left}`, 25 + left);
        }
        ending ??= run.stop();
      });
      w.write("unread", 30);
      w.copyTruncate();
      w.write("second", 20);
      await until("the look", () => ending !== undefined);
      await ending;
      spy.mockRestore();
      await using next = w.start(run.intake.work);
      const isAll = () => w.lines().length <= run.intake.work.lines.length + next.intake.lines.length;
      await until("all lines", isAll);
      await Bun.sleep(120);
      next.intake.commit();
      expect(run.intake.work.lines).toEqual(w.lines());
    });
  }
}
