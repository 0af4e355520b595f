import { expect, test } from "bun:test";
import { fieldIn, listIn, numberIn, textIn } from "../central/loose.ts";
import { cell } from "./records-table.ts";
import { unlessBody } from "./said.ts";

test("what is not there is undefined, whatever the answer looks like", () => {
  for (const odd of [undefined, null, 7, "text", [], {}]) {
    expect(fieldIn(odd, "name")).toBeUndefined();
    expect(listIn(odd, "name")).toEqual([]);
  }
  expect(numberIn({ a: "7" }, "a")).toBeUndefined();
  expect(textIn({ a: "7" }, "a")).toBe("7");
  expect(fieldIn({}, "constructor")).toBeUndefined();
});

test("cells are read by people", () => {
  expect(cell("missing", 12_345)).toBe("12,345");
  expect(cell("atMs", Date.UTC(2026, 10, 20))).toStartWith("2026-11-");
  expect([cell("a", true), cell("a", null), cell("a", { b: 1 })]).toEqual(["yes", "–", '{"b":1}']);
});

test("an answer that is none is said in words", () => {
  expect(unlessBody({ kind: "body", body: 1, atMs: 0 }, "outages")).toBeUndefined();
  expect(unlessBody({ kind: "absent", words: "no such page" }, "outages")).toContain("does not offer outages");
  expect(unlessBody({ kind: "failed", words: "timed out" }, "outages")).toContain("timed out");
  expect(unlessBody(undefined, "outages")).toBe("Asking …");
});
