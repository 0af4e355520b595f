import { describe, expect, test } from "bun:test";
import { seededRandom } from "../random/random.ts";
import { Backoff } from "./backoff.ts";
import { withDeadline } from "./deadline.ts";
import { Gate } from "./gate.ts";
import { sleep } from "./sleep.ts";

describe("backoff", () => {
  test("grows to its bound, jittered between half and whole, and starts anew after a success", () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1_000 }, seededRandom(3));
    for (const full of [100, 200, 400, 800, 1_000, 1_000]) {
      const waitMs = backoff.nextMs();
      expect(waitMs).toBeGreaterThanOrEqual(full / 2);
      expect(waitMs).toBeLessThanOrEqual(full);
    }
    backoff.reset();
    expect(backoff.nextMs()).toBeLessThanOrEqual(100);
  });
});

describe("a deadline", () => {
  test("passes on what the work gives, or its error", async () => {
    expect(await withDeadline(Promise.resolve(5), 1_000, () => new Error("late"))).toBe(5);
    expect(withDeadline(Promise.reject(new Error("own")), 1_000, () => new Error("late"))).rejects.toThrow("own");
  });

  test("rejects when the work hangs", () => {
    expect(withDeadline(new Promise(() => undefined), 5, () => new Error("late"))).rejects.toThrow("late");
  });
});

describe("sleep", () => {
  test("ends early and without an error when the signal aborts", async () => {
    const stop = new AbortController();
    const waiting = sleep(60_000, stop.signal);
    stop.abort();
    await waiting;
    await sleep(60_000, stop.signal);
    expect(stop.signal.aborted).toBe(true);
  });
});

describe("a gate", () => {
  test("lets everybody through who waits, and nobody who comes later", async () => {
    const gate = new Gate();
    const stop = new AbortController();
    let through = 0;
    const pass = () => {
      through++;
    };
    const first = [gate.wait(stop.signal).then(pass), gate.wait(stop.signal).then(pass)];
    gate.open();
    const late = gate.wait(stop.signal).then(pass);
    await Promise.all(first);
    expect(through).toBe(2);
    stop.abort();
    await late;
    expect(through).toBe(3);
  });
});
