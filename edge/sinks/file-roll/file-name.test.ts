import { expect, test } from "bun:test";
import { FileNamer, mistakeOf } from "./file-name.ts";

const lane = { stream: "driving", group: "a/b", number: 3 };
const at = (text: string) => Date.parse(text);

test.each([
  ["%{stream}-%Y-%m-%d.log", "driving-2026-11-20.log", "2026-11-21T00:00:00Z"],
  ["%Y/%m/%{stream}.log", "2026/11/driving.log", "2026-12-01T00:00:00Z"],
  ["%{agent}.%Y%m%dT%H", "gw.20261120T23", "2026-11-21T00:00:00Z"],
  ["%{topic}-%{lane}-%H%M-100%%", "a_b-3-2359-100%", "2026-11-21T00:00:00Z"],
])("%s becomes %s until %s", (pattern, name, until) => {
  const namer = new FileNamer(pattern, lane, "gw");
  expect(namer.nameOf(at("2026-11-20T23:59:59.999Z"))).toEqual({ name, untilMs: at(until) });
});

test("a pattern without a time is for all times", () => {
  expect(new FileNamer("%{stream}.log", lane, "gw").nameOf(5)).toEqual({ name: "driving.log", untilMs: undefined });
});

test("events on both sides of midnight, in any order, go to their own days", () => {
  const namer = new FileNamer("%d", lane, "gw");
  const times = ["2026-11-20T23:59:59.999Z", "2026-11-21T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-19T23:59:59Z"];
  expect(times.map((time) => namer.nameOf(at(time)).name)).toEqual(["20", "21", "20", "19"]);
});

test("a time that no date can hold has a file all the same", () => {
  expect(new FileNamer("%Y", lane, "gw").nameOf(Number.MAX_SAFE_INTEGER).name).toBe("1970");
});

test.each(["", "/abs", "a/", "../x", "a//b", ".hidden", "%{vehicle}", "%q", "100%"])(
  "the pattern %p is refused",
  (pattern) => {
    expect(mistakeOf(pattern)).toBeDefined();
  },
);
