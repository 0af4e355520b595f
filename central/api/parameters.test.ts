import { describe, expect, test } from "bun:test";
import { limitParameter, readTime } from "./parameters.ts";

describe("a time", () => {
  test.each([
    ["1764152400000", 1_764_152_400_000],
    ["0", 0],
    ["-1764152400000", -1_764_152_400_000],
    ["2026-11-20T12:00:00Z", Date.UTC(2026, 10, 20, 12)],
    ["2026-11-20T12:00Z", Date.UTC(2026, 10, 20, 12)],
    ["2026-11-20T12:00:00.25+01:00", Date.UTC(2026, 10, 20, 11, 0, 0, 250)],
    ["2026-11-20T12:00:00.123456-05:30", Date.UTC(2026, 10, 20, 17, 30, 0, 123)],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["0001-01-01T00:00:00Z", -62_135_596_800_000],
  ])("%s is taken, whatever the server's zone", (text, ms) => {
    expect(readTime(text)).toBe(ms);
  });

  test.each([
    ["2025", "write 2025-01-01T00:00:00Z"],
    ["1764152400", "write 1764152400000 or 2025-11-26T10:20:00.000Z"],
    ["20261120", "seconds"],
    ["2026-11-20", "write the time and the zone"],
    ["2026-11-20T12:00:00", "no zone"],
    ["2026-11-20T12:00:00 01:00", "%2B"],
    ["2026-11-20 12:00:00", "is not plain"],
    ["2026-02-30T00:00:00Z", "not in the calendar"],
    ["2025-02-29T00:00:00Z", "not in the calendar"],
    ["2026-13-01T00:00:00Z", "not in the calendar"],
    ["2026-11-20T24:00:00Z", "not in the calendar"],
    ["2026-11-20T12:00:60Z", "not in the calendar"],
    ["2026-11-20T12:00:00+25:00", "no zone"],
    ["9999999999999999", "beyond all time"],
    ["99999999999999999999", "beyond all time"],
    ["yesterday", "is not plain"],
    ["", "is not plain"],
    [" 1764152400000", "is not plain"],
    ["1.7e12", "is not plain"],
    ["0x19ABB", "is not plain"],
    ["Nov 20 2026", "is not plain"],
    ["+002026-11-20T12:00:00Z", "is not plain"],
  ])("%s is refused, with the words for it", (text, words) => {
    expect(readTime(text)).toEqual(expect.stringContaining(words));
  });
});

test("a number is decimal digits and nothing else", () => {
  const limit = limitParameter(20, 1_000);
  expect(limit.parse("7")).toBe(7);
  expect(limit.parse(undefined)).toBe(20);
  for (const text of ["", " 7", "7 ", "1e2", "0x10", "+7", "-7", "7.0", "0", "1001", "99999999999999999999", "NaN"]) {
    expect(limit.safeParse(text).error?.issues[0]?.message).toBe("write a whole number from 1 to 1000");
  }
});
