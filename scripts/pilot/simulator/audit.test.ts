import { expect, test } from "bun:test";
import { LineAudit } from "./audit.ts";
import { withDefaults, worldsOf } from "./options.ts";
import { renderLine } from "./scenario.ts";

const empty = worldsOf(withDefaults({ out: "", cars: 10 }));
const segments = [{ fromLine: 0, startMs: 1_700_000_000_000 }];
const worlds = { driving: { ...empty.driving, segments }, status: { ...empty.status, segments } };
const line = (k: number) => renderLine(worlds.driving, k);

function audit(lines: readonly string[], written = 100, channel?: (index: number) => string) {
  const audited = new LineAudit(worlds, { driving: written, status: 0 });
  for (const [index, text] of lines.entries()) audited.see(text, channel?.(index) ?? "");
  return { ...audited.result("driving"), other: audited.other };
}

const all = Array.from({ length: 100 }, (_, k) => line(k));

test("every line once and in order is right", () => {
  expect(audit(all)).toMatchObject({ ok: true, arrived: 100, missing: 0, repeated: 0, outOfOrder: 0, altered: 0 });
});

test("bytes are as good as text", () => {
  const audited = new LineAudit(worlds, { driving: 1, status: 0 });
  audited.see(Buffer.from(line(0)));
  expect(audited.result("driving").ok).toBe(true);
});

test("missing lines are counted and named as ranges", () => {
  const result = audit(all.filter((_, k) => k !== 3 && (k < 50 || k > 59) && k !== 99));
  expect(result).toMatchObject({ ok: false, missing: 12, arrived: 88 });
  expect(result.examples).toEqual(["line 3 is missing", "lines 50-59 are missing", "line 99 is missing"]);
});

test("a line three times is two repeats, and no disorder", () => {
  const result = audit([...all, line(7), line(7)]);
  expect(result).toMatchObject({ ok: false, missing: 0, repeated: 2, outOfOrder: 0 });
});

test("order is kept within a car and a channel, and only there", () => {
  expect(audit([line(10), line(5), line(0)], 11)).toMatchObject({ outOfOrder: 1 });
  const swappedCars = [line(1), line(0), line(11), line(10)];
  expect(audit(swappedCars, 12)).toMatchObject({ outOfOrder: 0 });
  const elsewhere = audit([line(10), line(0)], 11, (index) => `partition ${index}`);
  expect(elsewhere).toMatchObject({ outOfOrder: 0 });
});

test("a changed byte is an altered line, which is missing too", () => {
  const result = audit(all.map((text, k) => (k === 4 ? text.replace("Speed", "Speec") : text)));
  expect(result).toMatchObject({ ok: false, altered: 1, missing: 1 });
});

test("a number that was never written is unknown", () => {
  expect(audit([...all, line(100)])).toMatchObject({ ok: false, unknown: 1, missing: 0 });
});

test("garbage and the beginning of a line are counted apart and spoil nothing", () => {
  const result = audit([...all.slice(0, 5), "garbage", line(5).slice(0, 80), "", ...all.slice(5)]);
  expect(result).toMatchObject({ ok: true, other: 3 });
});

test("the streams have books of their own", () => {
  const audited = new LineAudit(worlds, { driving: 1, status: 2 });
  audited.see(renderLine(worlds.status, 1));
  expect(audited.result("status")).toMatchObject({ arrived: 1, missing: 1 });
  expect(audited.result("driving")).toMatchObject({ arrived: 0, missing: 1 });
});
