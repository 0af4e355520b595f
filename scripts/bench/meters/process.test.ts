import { expect, test } from "bun:test";
import { parseCpuSeconds, parseKilobytes, readUsage } from "./process.ts";

test("CPU time is user and system ticks, even when the process's name holds a parenthesis", () => {
  const stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 5 0 1234 1000 200 18446744073709551615";
  expect(parseCpuSeconds(stat)).toBe(1.75);
});

test("memory is read in bytes, and a missing line is nothing", () => {
  const status = "Name:\tx\nVmHWM:\t  120000 kB\nRssAnon:\t    6144 kB\n";
  expect(parseKilobytes(status, "VmHWM")).toBe(120_000 * 1024);
  expect(parseKilobytes(status, "RssAnon")).toBe(6_144 * 1024);
  expect(parseKilobytes(status, "VmRSS")).toBe(0);
});

test("our own usage grows when we work and when we write", () => {
  const before = readUsage(process.pid);
  const until = performance.now() + 60;
  while (performance.now() < until) Bun.hash("work");
  const after = readUsage(process.pid);
  expect(after.cpuSeconds).toBeGreaterThan(before.cpuSeconds);
  expect(after.rssPeakBytes).toBeGreaterThanOrEqual(after.anonymousBytes);
});
