import { expect, test } from "bun:test";
import { listWindow } from "./window.ts";

const view = { scrollTop: 0, height: 400, rowHeight: 40 };

test("draws what is seen and a margin, and the rest as empty space", () => {
  expect(listWindow(10_000, view)).toEqual({ from: 0, to: 18, aboveHeight: 0, belowHeight: 9_982 * 40 });
  expect(listWindow(10_000, { ...view, scrollTop: 200_000 })).toEqual({
    from: 4_992,
    to: 5_018,
    aboveHeight: 4_992 * 40,
    belowHeight: 4_982 * 40,
  });
});

test("a list that has become shorter than where one stands, an empty one, and a bounce above the top", () => {
  expect(listWindow(5, { ...view, scrollTop: 200_000 })).toMatchObject({ to: 5, belowHeight: 0 });
  expect(listWindow(0, view)).toEqual({ from: 0, to: 0, aboveHeight: 0, belowHeight: 0 });
  expect(listWindow(3, { ...view, scrollTop: -50 })).toMatchObject({ from: 0, to: 3 });
});
