import { expect, test } from "bun:test";
import { parseEventTime, type TimeFormat } from "./event-time.ts";

const at = Date.UTC(2026, 10, 20, 10, 0, 0);

test.each<[string, TimeFormat, number | undefined]>([
  ["2026-11-20T10:00:00Z", "iso8601", at],
  ["2026-11-20T10:00:00.123456Z", "iso8601", at + 123],
  ["2026-11-20 10:00:00,5", "iso8601", at + 500],
  ["2026-11-20T19:00:00+09:00", "iso8601", at],
  ["2026-11-20T05:30:00-0430", "iso8601", at],
  ["2026-11-20T10:00Z", "iso8601", at],
  ["2026-13-20T10:00:00Z", "iso8601", undefined],
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
  expect(parseEventTime(text, format)).toBe(ms);
});
