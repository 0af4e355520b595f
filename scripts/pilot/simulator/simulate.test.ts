import { expect, test } from "bun:test";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { LineAudit } from "./audit.ts";
import { readManifest } from "./manifest.ts";
import type { SimulatorOptions } from "./options.ts";
import { simulate, simulatorPaths } from "./simulate.ts";

const base = { cars: 10, statusFiles: 0, keep: 1_000 } satisfies Partial<SimulatorOptions>;

function logFiles(out: string): string[] {
  const folder = join(out, "log");
  const age = (name: string) => Number(name.split(".")[2] ?? 0);
  return readdirSync(folder)
    .sort((a, b) => age(b) - age(a))
    .map((name) => join(folder, name));
}

function auditFiles(out: string, files: readonly string[]) {
  const manifest = readManifest(out);
  if (manifest === undefined) throw new Error("no manifest");
  const audit = new LineAudit(manifest.worlds, manifest.progress);
  for (const file of files) {
    const lines = readFileSync(file).toString("latin1").split("\n");
    expect(lines.pop()).toBe("");
    for (const line of lines) audit.see(line);
  }
  return audit;
}

test.each(["rename", "copytruncate"] as const)(
  "rotated by %s, all files together hold every line once",
  async (rotate) => {
    using dir = tempDir();
    await simulate({ ...base, out: dir.path, lines: 5_432, fast: true, rotate, rotateLines: 1_000 });
    const files = logFiles(dir.path);
    expect(files.length).toBe(6);
    expect(auditFiles(dir.path, files).result("driving")).toMatchObject({ ok: true, expected: 5_432 });
  },
);

test("the oldest files are deleted, and with none kept only the open one is left", async () => {
  using dir = tempDir();
  await simulate({ ...base, out: dir.path, lines: 5_500, fast: true, keep: 2, rotateLines: 1_000 });
  expect(logFiles(dir.path).map((path) => path.split("/").at(-1))).toEqual([
    "driving.log.2",
    "driving.log.1",
    "driving.log",
  ]);
  using other = tempDir();
  await simulate({ ...base, out: other.path, lines: 5_500, fast: true, keep: 0, rotateLines: 1_000 });
  expect(logFiles(other.path).length).toBe(1);
});

test("the same seed writes the same bytes, another seed others", async () => {
  const bytes = async (seed: number) => {
    using dir = tempDir();
    await simulate({ ...base, out: dir.path, lines: 500, fast: true, seed, startMs: 1_700_000_000_000, garbage: 0.05 });
    return readFileSync(simulatorPaths(dir.path).log).toString("latin1");
  };
  const first = await bytes(1);
  expect(await bytes(1)).toBe(first);
  expect(await bytes(2)).not.toBe(first);
});

test("goes on where it was, with the clock of now, even when killed between line and progress or inside a line", async () => {
  using dir = tempDir();
  const { log } = simulatorPaths(dir.path);
  const options = { ...base, out: dir.path, fast: true };
  await simulate({ ...options, lines: 1_000, startMs: Date.UTC(2026, 0, 1) });
  const progress = join(dir.path, "simulator", "progress.json");
  const earlier = readFileSync(progress);
  await simulate({ ...options, lines: 2_000, startMs: Date.UTC(2026, 0, 2) });
  await Bun.write(progress, earlier);
  truncateSync(log, statSync(log).size - 50);
  await simulate({ ...options, lines: 3_000, startMs: Date.UTC(2026, 0, 3) });
  const audit = auditFiles(dir.path, logFiles(dir.path));
  expect(audit.result("driving")).toMatchObject({ ok: true, expected: 3_000 });
  expect(audit.other).toBe(1);
  expect(JSON.parse(readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "").time).toStartWith("2026-01-03");
});

test("a simulator killed with -9 at any moment goes on without a line lost or twice", async () => {
  using dir = tempDir();
  const main = new URL("./main.ts", import.meta.url).pathname;
  const words = ["--out", dir.path, "--cars", "10", "--speed", "500x", "--rotate-lines", "700", "--keep", "9999"];
  const { log } = simulatorPaths(dir.path);
  for (let round = 1; round <= 3; round++) {
    await using child = startChild({ command: [process.execPath, main, ...words, "--no-status"] });
    const before = readManifest(dir.path)?.progress.driving ?? 0;
    await until(
      "a thousand more lines",
      () => readManifest(dir.path)?.progress.driving ?? 0,
      (lines) => lines > before + 1_000,
    );
    await child.kill();
  }
  await simulate({ ...base, out: dir.path, lines: 20_000, fast: true, rotateLines: 700, keep: 9_999 });
  expect(existsSync(log)).toBe(true);
  expect(auditFiles(dir.path, logFiles(dir.path)).result("driving")).toMatchObject({ ok: true, expected: 20_000 });
}, 30_000);

test("what was written is known while a new log file is still empty: a kill there repeats nothing", async () => {
  using dir = tempDir();
  const known: number[] = [];
  await simulate({
    ...base,
    out: dir.path,
    lines: 2_100,
    fast: true,
    rotateLines: 700,
    onProgress: () => {
      if (statSync(simulatorPaths(dir.path).log).size === 0) known.push(readManifest(dir.path)?.progress.driving ?? 0);
    },
  });
  expect(known).toEqual([700, 1_400, 2_100]);
});

test("other settings in the same folder are refused", async () => {
  using dir = tempDir();
  await simulate({ ...base, out: dir.path, lines: 10, fast: true });
  await expect(simulate({ ...base, out: dir.path, lines: 20, fast: true, seed: 2 })).rejects.toThrow("other settings");
});

test("writes by the clock, the lines of all cars at each tick, and stops when told", async () => {
  using dir = tempDir();
  const stop = new AbortController();
  const startedMs = performance.now();
  const seen: number[] = [];
  const running = simulate(
    {
      ...base,
      out: dir.path,
      speed: 50,
      onProgress: ({ driving }) => {
        seen.push(driving);
        if (driving >= 100) stop.abort();
      },
    },
    stop.signal,
  );
  expect((await running).driving).toBe(100);
  // Ten ticks of 20 ms, the first at once.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(175);
  expect(seen.every((lines) => lines % 10 === 0)).toBe(true);
});

test("status files appear complete, by rename, with every report in order", async () => {
  using dir = tempDir();
  const { spool } = simulatorPaths(dir.path);
  const options = { out: dir.path, cars: 10, lines: 0, reportsPerDay: 300, fast: true, garbage: 0.01 };
  await simulate({ ...options, statusFiles: 2 });
  await simulate({ ...options, statusFiles: 1 });
  const files = readdirSync(spool).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  expect(files).toEqual(["status-0-2999.ndjson", "status-3000-5999.ndjson", "status-6000-8999.ndjson"]);
  const audit = auditFiles(
    dir.path,
    files.map((name) => join(spool, name)),
  );
  expect(audit.result("status")).toMatchObject({ ok: true, expected: 9_000 });
  expect(audit.other).toBeGreaterThan(20);
  appendFileSync(join(dir.path, "simulator", "status.part"), "left behind");
  expect((await simulate({ ...options, statusFiles: 1 })).status).toBe(12_000);
});
