import { expect, test } from "bun:test";
import { StillWatch, stillMs } from "./still-watch.ts";

const at = (next: number, lag: number | null, untoldForMs = 500) => ({
  ...{ topic: "drive", partition: 0, generation: 0 },
  ...{ next, lag, untoldForMs },
});

/** Looks each second at what `shown` says; the seconds at which it was said to stand still. */
function seconds(count: number, shown: (second: number) => ReturnType<typeof at>, held = (_: number) => false) {
  const watch = new StillWatch();
  return Array.from({ length: count }, (_, second) => second).filter(
    (second) => watch.look([shown(second)], held(second), second * 1_000).size > 0,
  );
}

const first = stillMs / 1_000;

test("a position that does not move while a broker says that there is more stands still, whoever reads it", () => {
  expect(seconds(first + 2, () => at(7, 25_000))).toEqual([first, first + 1]);
});

test("one that moves does not, however slowly; nor one with nothing to read", () => {
  expect(seconds(100, (second) => at(Math.floor(second / 20), 25_000))).toEqual([]);
  expect(seconds(100, () => at(7, 0))).toEqual([]);
});

test("without a fresh word of a broker nobody is accused, and the time begins anew when there is one", () => {
  expect(seconds(100, (second) => at(7, 25_000, second * 1_000))).toEqual([]);
  expect(seconds(100, (second) => at(7, second < 60 ? null : 25_000))).toEqual(
    Array.from({ length: 10 }, (_, index) => 90 + index),
  );
});

test("a store that takes nothing, and a time in which nobody looked, do not count", () => {
  expect(
    seconds(
      70,
      () => at(7, 1),
      (second) => second === 40,
    ),
  ).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
  const watch = new StillWatch();
  watch.look([at(7, 1)], false, 0);
  expect(watch.look([at(7, 1)], false, 60_000).size).toBe(0);
});
