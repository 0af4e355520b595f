import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { SourceDefinition } from "../../core/define.ts";
import { CommittedWork } from "../fakes/intake.ts";
import { type RunningSource, runSource, sourceContext } from "../fakes/running-source.ts";

/** What the contract needs to drive a source. */
export interface SourceFixture {
  readonly config: unknown;
  /** Makes these lines available to the source, behind all earlier ones. Called many times. */
  write(lines: readonly string[]): void;
}

/**
 * What every source that reads something with positions promises (edge/core/source.ts). Call it from the test of each:
 * `sourceContract("tail", definition, (directory) => ({ config, write }))`.
 */
export function sourceContract(
  name: string,
  definition: SourceDefinition,
  make: (directory: string) => SourceFixture,
): void {
  const start = (fixture: SourceFixture, dataDir: string, work = new CommittedWork()): RunningSource =>
    runSource({ definition, config: fixture.config, dataDir, work });

  describe(`source ${name}`, () => {
    test("its example is a valid config, its type a snake_case noun", () => {
      expect(definition.read(definition.example)).toMatchObject({ ok: true });
      expect(definition.type).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      expect(definition.read({ ...Object(definition.example), no_such_field: 1 })).toMatchObject({ ok: false });
    });

    test("lines arrive once and in order", async () => {
      using dir = tempDir();
      const fixture = make(dir.path);
      await using run = start(fixture, dir.path);
      fixture.write(lines(0, 20));
      await arrived(run, 20);
      fixture.write(lines(20, 5));
      await arrived(run, 25);
      expect(run.intake.lines).toEqual(lines(0, 25));
    });

    test("bytes pass untouched", async () => {
      using dir = tempDir();
      const fixture = make(dir.path);
      await using run = start(fixture, dir.path);
      const odd = ["\u0000nul", "\u00ff\u00fe", "", "  ", "tab\t", "\u00c3\u00a9"];
      fixture.write(odd);
      await arrived(run, odd.length);
      expect(run.intake.lines).toEqual(odd);
    });

    test("while there is no room nothing is appended, and it goes on when there is", async () => {
      using dir = tempDir();
      const fixture = make(dir.path);
      await using run = start(fixture, dir.path);
      run.intake.block();
      fixture.write(lines(0, 10));
      await until("the source to wait", () => run.intake.waits > 0);
      expect(run.intake.lines).toEqual([]);
      run.intake.unblock();
      await arrived(run, 10);
      expect(run.intake.lines).toEqual(lines(0, 10));
    });

    test("it stops while it waits for room", async () => {
      using dir = tempDir();
      const fixture = make(dir.path);
      const run = start(fixture, dir.path);
      run.intake.block();
      fixture.write(lines(0, 10));
      await until("the source to wait", () => run.intake.waits > 0);
      await run.crash();
      expect(run.intake.lines).toEqual([]);
    });

    test("stopping is harmless when it was never started, and twice", async () => {
      using dir = tempDir();
      const reading = definition.read(make(dir.path).config);
      if (!reading.ok) throw new Error("the fixture's config is not valid");
      const source = await reading.value.create(sourceContext(dir.path));
      await source.stop();
      await source.stop();
    });

    test("it leaves no file open", async () => {
      using dir = tempDir();
      const fixture = make(dir.path);
      const before = openFiles(dir.path);
      const run = start(fixture, dir.path);
      fixture.write(lines(0, 10));
      await arrived(run, 10);
      await run.stop();
      expect(openFiles(dir.path)).toBe(before);
    });

    test("its status is made of plain values", async () => {
      using dir = tempDir();
      const fixture = make(dir.path);
      await using run = start(fixture, dir.path);
      fixture.write(lines(0, 3));
      await arrived(run, 3);
      const status = run.source.status();
      expect(JSON.parse(JSON.stringify(status))).toEqual({ ...status });
    });

    test.each([1, 2, 3, 4])("killed at random moments it loses and repeats nothing (seed %d)", async (seed) => {
      using dir = tempDir();
      const random = seededRandom(seed);
      const fixture = make(dir.path);
      const work = new CommittedWork();
      let written = 0;
      for (let round = 0; round < 12; round++) {
        const run = start(fixture, dir.path, work);
        for (let step = Math.floor(random.next() * 4); step >= 0; step--) {
          const count = 1 + Math.floor(random.next() * 400);
          fixture.write(lines(written, count));
          written += count;
          await Bun.sleep(random.next() * 15);
          if (random.next() < 0.6) run.intake.commit();
        }
        await run.crash();
      }
      await using last = start(fixture, dir.path, work);
      await arrived(last, written);
      expect(last.intake.lines).toEqual(lines(0, written));
    });
  });
}

const lines = (from: number, count: number) => Array.from({ length: count }, (_, index) => `line ${from + index}`);

function arrived(run: RunningSource, count: number): Promise<unknown> {
  return until(
    `${count} lines`,
    () => run.intake.lines.length,
    (seen) => seen >= count,
    { everyMs: 2, withinMs: 4_000 },
  );
}

function openFiles(below: string): number {
  const links = [];
  for (const fd of readdirSync("/proc/self/fd")) {
    const target = Bun.spawnSync(["readlink", `/proc/${process.pid}/fd/${fd}`]).stdout.toString();
    if (target.startsWith(below)) links.push(target);
  }
  return links.length;
}
