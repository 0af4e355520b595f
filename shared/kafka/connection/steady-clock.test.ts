import { afterEach, expect, setSystemTime, test } from "bun:test";
import { systemClock } from "../../clock/clock.ts";
import { steadyClock } from "./steady-clock.ts";

afterEach(() => {
  setSystemTime();
});

test("kafkajs's clock goes on when the wall clock is set back or ahead, and ours follows the wall clock", () => {
  steadyClock();
  const before = Date.now();
  for (const hours of [-1, 1, -24 * 365]) {
    setSystemTime(new Date(before + hours * 3_600_000));
    expect(Math.abs(Date.now() - before)).toBeLessThan(5_000);
    expect(Math.abs(systemClock.now() - (before + hours * 3_600_000))).toBeLessThan(5_000);
  }
});
