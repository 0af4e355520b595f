import { expect, test } from "bun:test";
import { afterRotation, hasNoLogName, seenByDescriptor, type Whereabouts, withoutName } from "./whereabouts.ts";

const all: readonly Whereabouts[] = ["log", "rotated", "elsewhere", "outOfReach", "unlinked", "deleted"];

test.each([
  ["log", "unlinked", "elsewhere", "rotated"],
  ["rotated", "deleted", "elsewhere", "rotated"],
  ["elsewhere", "deleted", "elsewhere", "elsewhere"],
  ["unlinked", "unlinked", "deleted", "deleted"],
  ["deleted", "deleted", "deleted", "deleted"],
] as const)(
  "%s: without a link %s, without a name here %s, after a rotation %s",
  (before, unlinked, nameless, rotated) => {
    expect(seenByDescriptor(before, false)).toBe(unlinked);
    expect(withoutName(before)).toBe(nameless);
    expect(afterRotation(before)).toBe(rotated);
  },
);

test("a link that is there says nothing new, but for a file that had none", () => {
  expect(all.map((before) => seenByDescriptor(before, true))).toEqual([
    "log",
    "rotated",
    "elsewhere",
    "outOfReach",
    "log",
    "rotated",
  ]);
});

test("the roll ends in a state that knows of it, and a rotation too", () => {
  for (const before of all) {
    expect(hasNoLogName(withoutName(before))).toBe(true);
    expect(hasNoLogName(afterRotation(before))).toBe(true);
    expect(withoutName(withoutName(before))).toBe(withoutName(before));
  }
});
