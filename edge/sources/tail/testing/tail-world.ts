import { expect } from "bun:test";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import type { SourceContext } from "../../../core/context.ts";
import type { CommittedWork } from "../../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../../testing/fakes/running-source.ts";
import definition from "../index.ts";

/** A folder of logs, and a source that follows them, each start as a process of its own would. */
export function tailWorld(config: Record<string, unknown> = {}, names = "*.log") {
  const dir = tempDir();
  return {
    dir,
    log: dir.file("x.log"),
    start: (
      work?: CommittedWork,
      context: Partial<SourceContext> = {},
      more: Record<string, unknown> = {},
    ): RunningSource =>
      runSource({
        definition,
        config: { paths: dir.file(names), pollInterval: 30, rotateWait: 60, ...config, ...more },
        dataDir: dir.path,
        context,
        ...(work === undefined ? {} : { work }),
      }),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

/** So many lines with a number, longer than what is known of a file at the least. */
export const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name} ${index} ${"x".repeat(60)}\n`).join("");

/** The lines of some texts, one after the other. */
export const linesOf = (...texts: readonly string[]) => texts.join("").trimEnd().split("\n");

/** Waits for so many lines, and a while longer: exactly these have come, in whatever order. */
export async function sees(run: RunningSource, lines: readonly string[]): Promise<void> {
  await until(
    `${lines.length} lines`,
    () => run.intake.lines.length,
    (count) => count >= lines.length,
    { everyMs: 3, withinMs: 20_000 },
  );
  // What is repeated would come with the next looks.
  await Bun.sleep(120);
  expect([...run.intake.lines].sort()).toEqual([...lines].sort());
}

/** The reports of one signal so far. */
export const said = (run: RunningSource, signal: string) => run.reports.filter((report) => report.signal === signal);
