import { expect, test } from "bun:test";
import { until } from "./until.ts";

test("gives back the first value that is accepted", async () => {
  let count = 0;
  const value = await until(
    "a count of three",
    () => ++count,
    (seen) => seen === 3,
    { everyMs: 1 },
  );
  expect(value).toBe(3);
});

test("says what was awaited and what was seen last when the deadline passes", async () => {
  const waiting = until(
    "the moon",
    () => ({ phase: "half" }),
    (sky) => sky.phase === "full",
    { withinMs: 10, everyMs: 1 },
  );
  await expect(waiting).rejects.toThrow(/waited 10 ms for the moon; last seen: .*half/s);
});

test("a read that throws counts as not yet, and its message is the last thing seen", async () => {
  let tries = 0;
  const flaky = () => {
    if (++tries < 3) throw new Error("refused");
    return "there";
  };
  expect(await until("an answer", flaky, Boolean, { everyMs: 1 })).toBe("there");
  const broken = () => {
    throw new Error("refused");
  };
  await expect(until("an answer", broken, Boolean, { withinMs: 5, everyMs: 1 })).rejects.toThrow("error: refused");
});
