import { expect, test } from "bun:test";
import { dayOf, dayOfTable, restDay, tableOf } from "./days.ts";
import { stretchesOf } from "./scan.ts";

const now = Date.parse("2026-11-26T15:00:00Z");
const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 86_400_000;

test("a day near the clock has a table of its own, whatever else comes shares one", () => {
  expect(tableOf(dayOf(Date.parse("2026-11-26T23:59:59.999Z"), now))).toBe("event_2026_11_26");
  expect(tableOf(dayOf(Date.parse("2025-11-01T00:00:00Z"), now))).toBe("event_2025_11_01");
  expect(tableOf(dayOf(Date.parse("2026-11-28T00:00:00Z"), now))).toBe("event_2026_11_28");
  for (const odd of ["1970-01-01", "0001-01-01", "2024-01-01", "2026-11-30", "2099-01-01", "9999-12-31"]) {
    expect(dayOf(Date.parse(odd), now)).toBe(restDay);
  }
  // A central whose own clock is wrong: the first of January 1970 is the rest's number.
  expect(dayOf(0, 0)).toBe(restDay);
});

test("a table's name is its day, and no other table's is one", () => {
  for (const each of [restDay, day("2026-11-26"), day("2024-02-29")]) expect(dayOfTable(tableOf(each))).toBe(each);
  for (const odd of ["event", "event_2026", "event_2026_11_26_old", "eventx"]) expect(dayOfTable(odd)).toBeUndefined();
});

test("a time range is read in stretches of one day, then four, then more, without a hole and without an overlap", () => {
  const days = Array.from({ length: 30 }, (_, index) => day("2026-10-01") + index);
  for (const order of ["asc", "desc"] as const) {
    const stretches = stretchesOf(days, { fromMs: 0, toMs: now, order });
    expect(stretches.map((one) => one.days.length)).toEqual([1, 4, 16, 9]);
    const inTime = order === "asc" ? stretches : stretches.toReversed();
    expect([inTime[0]?.fromMs, inTime.at(-1)?.toMs]).toEqual([0, now]);
    for (let at = 1; at < inTime.length; at++) expect(inTime[at]?.fromMs).toBe(inTime[at - 1]?.toMs ?? -1);
    expect(stretches.flatMap((one) => one.days)).toEqual(order === "asc" ? days : days.toReversed());
  }
});

test("only days with a table in the range are read; without any, only what shares one", () => {
  const range = { fromMs: Date.parse("2026-10-02T12:00:00Z"), toMs: Date.parse("2026-10-04T00:00:00Z") };
  const days = ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04"].map(day);
  expect(stretchesOf(days, { ...range, order: "asc" }).flatMap((one) => one.days)).toEqual(days.slice(1, 3));
  expect(stretchesOf([restDay], { ...range, order: "desc" })).toEqual([{ ...range, days: [] }]);
});
