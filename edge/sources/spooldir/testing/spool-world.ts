import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import type { CommittedWork } from "../../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../../testing/fakes/running-source.ts";
import definition from "../index.ts";

/** A spool directory, and sources that read it one after the other. */
export function spoolWorld(config: Record<string, unknown> = {}) {
  const dir = tempDir();
  const spool = dir.file("spool");
  mkdirSync(spool);
  return {
    dir,
    spool,
    path: (name: string) => `${spool}/${name}`,
    names: () => readdirSync(spool).sort(),
    /** Puts a file in as it should be done: written elsewhere, renamed. */
    put(name: string, content: string | Buffer): void {
      writeFileSync(dir.file("new"), content);
      renameSync(dir.file("new"), `${spool}/${name}`);
    },
    start: (work?: CommittedWork): RunningSource =>
      runSource({
        definition,
        config: { path: spool, pollInterval: 10, settle: 0, ...config },
        dataDir: dir.path,
        ...(work === undefined ? {} : { work }),
      }),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}
