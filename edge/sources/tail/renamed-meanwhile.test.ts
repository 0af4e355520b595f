/** Between the picture of a folder and the opening of what it shows, the folder goes on. */
import { spyOn, test } from "bun:test";
import { appendFileSync, existsSync, renameSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { openCount } from "./open-count.ts";
import { linesOf, numbered, sees, tailWorld } from "./testing/tail-world.ts";
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
