import { expect, test } from "bun:test";
import { choiceWords, lettersQuery, newestRedrive, noLetterTexts, redriveOrder, redriveWords } from "./put-aside.ts";

test("an empty filter is all; each field has its place", () => {
  expect([lettersQuery(noLetterTexts), redriveOrder(noLetterTexts)]).toEqual(["", { all: true }]);
  const texts = { topic: "drive", reason: "a & b", vehicle: "" };
  expect(lettersQuery(texts)).toBe("?topic=drive&reason=a+%26+b");
  expect(redriveOrder(texts)).toEqual({ topic: "drive", reason: "a & b" });
  expect(choiceWords({ vehicle: "car-1", reason: "quota" })).toBe('of car-1, with "quota" in the reason');
  expect(choiceWords({})).toBe("all");
});

test("a job says how far it is, and leaves out what is none", () => {
  const job = { progress: { letters: 1_200 }, counts: { tried: 50, stored: 48, stayed: 2, repeated: 0 } };
  expect(redriveWords(job)).toBe("tried 50 of 1,200 · stored 48 · stayed 2");
  expect(newestRedrive({ kind: "body", body: { redrives: [job] }, atMs: 0 })).toEqual(job);
  expect(newestRedrive({ kind: "failed", words: "no" })).toBeUndefined();
});
