import { beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { PartitionTurns } from "./turns.ts";

const waste = (tookMs: number) => ({ tookMs, useful: 1, wasted: 1_000 });
const honest = { tookMs: 20, useful: 10, wasted: 0 };

describe("turns of partitions", () => {
  let clock: VirtualClock;
  let turns: PartitionTurns;

  beforeEach(() => {
    clock = new VirtualClock(0);
    turns = new PartitionTurns(clock);
  });

  /** What a partition that wastes without end gets of ten seconds in which another one stores. */
  function wastedMs(partitions: readonly string[]): number {
    const readyMs = new Map(partitions.map((name) => [name, 0]));
    let spentMs = 0;
    for (const endMs = clock.uptimeMs() + 10_000; clock.uptimeMs() < endMs; ) {
      turns.done("honest", honest);
      const free = partitions.find((name) => (readyMs.get(name) ?? 0) <= clock.uptimeMs());
      if (free === undefined) {
        clock.advance(10);
        continue;
      }
      const tookMs = 4;
      clock.advance(tookMs);
      spentMs += tookMs;
      readyMs.set(free, clock.uptimeMs() + (turns.done(free, waste(tookMs)) ?? 0));
    }
    return spentMs;
  }

  test("what stores something never rests, and waste now and then does not either", () => {
    for (let second = 0; second < 60; second++) {
      expect(turns.done("honest", { tookMs: 900, useful: 100, wasted: 50 })).toBeUndefined();
      expect(turns.done("mixed", waste(150))).toBe(0);
      clock.advance(1_000);
    }
  });

  test("a flood of waste gets a fifth of the time, however many partitions it fills", () => {
    wastedMs(["a"]);
    const one = wastedMs(["a"]);
    expect(one).toBeGreaterThan(1_500);
    expect(one).toBeLessThan(2_500);
    wastedMs(["a", "b", "c"]);
    const three = wastedMs(["a", "b", "c"]);
    expect(three).toBeGreaterThan(1_500);
    expect(three).toBeLessThan(2_800);
  });

  test("with nothing to store elsewhere it does not rest: honest records may stand in it too", () => {
    for (let turn = 0; turn < 20; turn++) {
      clock.advance(500);
      expect(turns.done("a", waste(500))).toBeUndefined();
    }
    turns.done("honest", honest);
    expect(turns.done("a", waste(500))).toBeGreaterThan(0);
  });

  test("a rest is short enough not to look like a partition that stands still, and over when the flood is", () => {
    turns.done("honest", honest);
    for (let turn = 0; turn < 100; turn++) expect(turns.done("a", waste(5_000))).toBeLessThanOrEqual(2_000);
    expect(turns.isSuspect("a")).toBe(true);
    expect(turns.isSuspect("honest")).toBe(false);
    clock.advance(60_000);
    expect(turns.isSuspect("a")).toBe(false);
    turns.forget("a");
    turns.done("honest", honest);
    expect(turns.done("a", waste(200))).toBe(0);
  });
});
