import { expect, test } from "bun:test";
import { choose } from "./choice.ts";

const all = [
  { name: "idle", size: "ordinary" },
  { name: "backlog", size: "big" },
  { name: "soak", size: "soak" },
] as const;
const none = { cases: [], big: false, soak: false, quick: false };
const names = (options: Partial<Parameters<typeof choose>[1]>) =>
  choose(all, { ...none, ...options }).cases.map(({ name }) => name);

test("big ones and the soak run when they are asked for, by flag or by name", () => {
  expect(names({})).toEqual(["idle"]);
  expect(names({ big: true })).toEqual(["idle", "backlog"]);
  expect(names({ soak: true })).toEqual(["idle", "soak"]);
  expect(names({ cases: ["backlog"] })).toEqual(["backlog"]);
  expect(names({ big: true, cases: ["idle"] })).toEqual(["idle"]);
});

test("the memory of a big case is asked for when one runs, not when a flag allows it", () => {
  const big = (options: Partial<Parameters<typeof choose>[1]>) => choose(all, { ...none, ...options }).big;
  expect(big({ cases: ["backlog"] })).toBe(true);
  expect(big({ big: true })).toBe(true);
  expect(big({ big: true, cases: ["idle"] })).toBe(false);
  expect(big({ cases: ["backlog"], quick: true })).toBe(false);
});
