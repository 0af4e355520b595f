import { expect, test } from "bun:test";
import { type TimeFormat, timeReader } from "./event-time.ts";

const at = Date.UTC(2026, 10, 20, 10, 0, 0);

test.each<[string, TimeFormat, number | undefined]>([
  ["2026-11-20T10:00:00Z", "iso8601", at],
  ["2026-11-20T10:00:00.123456Z", "iso8601", at + 123],
  ["2026-11-20 10:00:00,5", "iso8601", at + 500],
  ["2026-11-20T19:00:00+09:00", "iso8601", at],
  ["2026-11-20T05:30:00-0430", "iso8601", at],
  ["2026-11-20T10:00Z", "iso8601", at],
  ["2026-13-20T10:00:00Z", "iso8601", undefined],
  ["2026-11-20T10:0a:00.000Z", "iso8601", undefined],
  ["2026-11-20T10:00:00.0/0Z", "iso8601", undefined],
  ["2026-11-20T10:00:00.00:Z", "iso8601", undefined],
  ["2026-11-20T25:00:00Z", "iso8601", undefined],
  ["yesterday", "iso8601", undefined],
  ["1700000000123", "epoch_ms", 1_700_000_000_123],
  ["1700000000.5", "epoch_s", 1_700_000_000_500],
  ["1700000000", "auto", 1_700_000_000_000],
  ["1700000000123", "auto", 1_700_000_000_123],
  ["1700000000.25", "auto", 1_700_000_000_250],
  ["2026-11-20T10:00:00Z", "auto", at],
  ["", "auto", undefined],
  ["99999999999999999999", "auto", undefined],
])("%p as %s is %p", (text, format, ms) => {
  expect(timeReader(format)(text)).toBe(ms);
});

test("the day that was met before does not colour the next", () => {
  const read = timeReader("iso8601");
  const times = ["2026-11-20T10:00:00.001Z", "2026-11-21T10:00:00.001Z", "garbage-of-20-signs", "2026-11-20T23:59:59Z"];
  expect(times.map(read)).toEqual(times.map((time) => (time.startsWith("2") ? Date.parse(time) : undefined)));
});

test("for random times the quick way agrees with Date.parse", () => {
  const read = timeReader("auto");
  for (let n = 0; n < 2_000; n++) {
    const text = new Date((n * 7_919_123_457) % 4_000_000_000_000).toISOString();
    expect([text, read(text)]).toEqual([text, Date.parse(text)]);
  }
});
