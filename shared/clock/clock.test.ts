import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { systemClock, VirtualClock } from "./clock.ts";

describe("the system's clock", () => {
  test("counts uptime as the kernel does, and names the boot", () => {
    const kernelMs = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
    expect(Math.abs(systemClock.uptimeMs() - kernelMs)).toBeLessThan(200);
    expect(systemClock.bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("a virtual clock", () => {
  test("keeps uptime when the wall clock is set, and begins anew after a boot", () => {
    const clock = new VirtualClock(1_000, 500);
    clock.advance(10);
    clock.setWall(99);
    expect([clock.now(), clock.uptimeMs()]).toEqual([99, 510]);
    const boot = clock.bootId();
    clock.reboot();
    expect(clock.bootId()).not.toBe(boot);
    expect(clock.uptimeMs()).toBeLessThan(510 + 1_000);
  });
});
