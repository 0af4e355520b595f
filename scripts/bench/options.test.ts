import { expect, test } from "bun:test";
import { helpText, parseOptions } from "./options.ts";

const parse = (...argv: string[]) => parseOptions(argv, ["throughput", "idle"], ["rsyslog", "flume"]);

test("without flags everything ordinary is measured with all peers", () => {
  expect(parse()).toMatchObject({ cases: [], lines: 1_000_000, runs: 5, peers: ["rsyslog", "flume"], big: false });
});

test("quick makes everything small, and a flag beside it still counts", () => {
  expect(parse("--quick")).toMatchObject({ lines: 100_000, runs: 1, seconds: 10 });
  expect(parse("--quick", "--lines", "50_000").lines).toBe(50_000);
});

test("lists name cases and peers", () => {
  expect(parse("--case", "idle,throughput", "--peers", "flume")).toMatchObject({
    cases: ["idle", "throughput"],
    peers: ["flume"],
  });
  expect(parse("--peers", "none").peers).toEqual([]);
});

test.each([
  [["--case", "idel"], "there is no idel; known: throughput, idle"],
  [["--peers", "vector"], "there is no vector"],
  [["--lines", "many"], "--lines: many is not a whole number"],
  [["--runs", "0"], "--runs: 0 is not a whole number"],
  [["--fast"], "--fast"],
])("%p is refused with what is wrong", (argv, message) => {
  expect(() => parse(...argv)).toThrow(message);
});

test("the help lists every case and peer", () => {
  const text = helpText([{ name: "idle", about: "nothing to do" }], ["rsyslog"]);
  expect(text).toContain("idle  nothing to do");
  expect(text).toContain("rsyslog");
});
