import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { forgetUnusedBuilds, markUsed, unusedHoursMax } from "./kept-builds.ts";

const nowMs = Date.UTC(2026, 10, 21, 12);
const hoursAgo = (hours: number) => nowMs - hours * 3_600_000;

function cacheOf(ages: Readonly<Record<string, number>>) {
  const dir = tempDir();
  for (const [name, hours] of Object.entries(ages)) {
    mkdirSync(dir.file(name));
    markUsed(dir.file(name), hoursAgo(hours));
  }
  return dir;
}

test("however many binaries one run of the tests builds, none goes before it is over", () => {
  const names = Array.from({ length: 20 }, (_, at) => `build-${at}`);
  using cache = cacheOf(Object.fromEntries(names.map((name, at) => [name, at / 60])));
  forgetUnusedBuilds(cache.path, nowMs);
  expect(readdirSync(cache.path).sort()).toEqual([...names].sort());
});

test("what nobody asked for in hours goes, and a build asked for again stays", () => {
  using cache = cacheOf({
    old: unusedHoursMax + 1,
    "part-broken-off": unusedHoursMax + 1,
    asked: unusedHoursMax + 1,
    young: 1,
  });
  markUsed(cache.file("asked"), nowMs);
  forgetUnusedBuilds(cache.path, nowMs);
  expect(readdirSync(cache.path).sort()).toEqual(["asked", "young"]);
});
