import { expect, test } from "bun:test";
import { VirtualClock } from "../clock/clock.ts";
import { createLog } from "./log.ts";
import { visible } from "./visible.ts";

test.each([
  ["\u001b[2Jgone", "\\u001b[2Jgone"],
  ["\u009b31mred", "\\u009b31mred"],
  ["gol\u202etxt.exe", "gol\\u202etxt.exe"],
  ["a\u2066b\u2069", "a\\u2066b\\u2069"],
  ["car 42 straße 車 👩‍🔧", "car 42 straße 車 👩‍🔧"],
  ["one\ntwo\tthree\r", "one\\u000atwo\\u0009three\\u000d"],
])("%j is shown as %j", (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test("line ends and tabs stay in a text of several lines", () => {
  expect(visible("one\n\ttwo\u001b\n", true)).toBe("one\n\ttwo\\u001b\n");
});

test.each(["text", "json"] as const)("no name of a file reaches the %s log raw", (format) => {
  const lines: string[] = [];
  const report = createLog({ level: "info", format, clock: new VirtualClock(), write: (line) => lines.push(line) });
  const signal = { name: "found", level: "info", message: "A file" } as const;
  for (const path of ["/l/\u001b]0;x\u0007.log", "/l/\u009b2J.log", "/l/\u202egol", "/l/a\nb c"])
    report(signal, { path });
  expect(lines).toHaveLength(4);
  for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  if (format === "json") expect(JSON.parse(lines[3] ?? "")).toMatchObject({ path: "/l/a\nb c" });
});
