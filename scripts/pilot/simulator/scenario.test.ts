import { describe, expect, test } from "bun:test";
import { garbageLine, hasGarbage } from "./garbage.ts";
import { eventTimeMs, LINE_BYTES_MAX, renderLine, type Scenario, type StreamName } from "./scenario.ts";

const startMs = Date.UTC(2026, 0, 1);

function world(stream: StreamName, changes: Partial<Scenario> = {}): Scenario {
  return {
    stream,
    seed: 1,
    cars: 100,
    intervalMs: stream === "driving" ? 1000 : 3000,
    reportsPerDay: 1200,
    lineBytesMin: 0,
    garbage: 0,
    segments: [{ fromLine: 0, startMs }],
    ...changes,
  };
}

describe.each(["driving", "status"] as const)("a line of %s", (stream) => {
  test("is JSON that says which line it is, overall and of its car", () => {
    for (const k of [0, 1, 99, 100, 123_456, 2_000_000_000]) {
      const line = JSON.parse(renderLine(world(stream), k));
      expect(line).toMatchObject({ line: k, stream, carLine: Math.floor(k / 100) });
      expect(line.vehicle).toBe(`car-${String(k % 100).padStart(3, "0")}`);
      expect(new Date(line.time).toISOString()).toBe(line.time);
    }
  });

  test("depends on the seed and on nothing that was written before", () => {
    const first = renderLine(world(stream), 4711);
    for (let k = 0; k < 500; k++) renderLine(world(stream), k);
    expect(renderLine(world(stream), 4711)).toBe(first);
    expect(renderLine(world(stream, { seed: 2 }), 4711)).not.toBe(first);
  });

  test("is filled up to the size asked for, and never over the pilot's bound", () => {
    for (const asked of [700, 1_500, 4_000, 9_000]) {
      const bytes = Buffer.byteLength(renderLine(world(stream, { lineBytesMin: Math.max(asked, 1_200) }), 77));
      expect(bytes).toBe(Math.min(Math.max(asked, 1_200), LINE_BYTES_MAX));
    }
  });

  test("has values in the ranges of the signal specification", () => {
    for (let k = 0; k < 20_000; k += 7) {
      for (const [name, value] of Object.entries<unknown>(JSON.parse(renderLine(world(stream), k)))) {
        if (/PedalPosition|PadWear/.test(name)) {
          expect(Number.isInteger(value)).toBe(true);
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(100);
        } else if (name === "Speed") expect(value).toBeGreaterThanOrEqual(0);
        else if (name.endsWith("Pressure")) expect(value).toBeGreaterThan(150);
        else if (/\.Is[A-Z]/.test(name)) expect(typeof value).toBe("boolean");
      }
    }
  });
});

test("a day of status reports of 100 cars is about 100 MB", () => {
  const bytes = Array.from({ length: 1_000 }, (_, k) => Buffer.byteLength(renderLine(world("status"), k * 113)) + 1);
  const day = (bytes.reduce((sum, each) => sum + each, 0) / bytes.length) * 100 * 1200;
  expect(day / 1e6).toBeGreaterThan(85);
  expect(day / 1e6).toBeLessThan(115);
});

test("event time goes on with the car's own lines, a little late at times, and starts anew with a segment", () => {
  const driving = world("driving");
  let late = 0;
  for (let n = 1; n < 5_000; n++) {
    const delta = eventTimeMs(driving, n * 100) - startMs - n * 1000;
    expect(delta).toBeLessThanOrEqual(900);
    if (delta < 0) late++;
  }
  expect(late).toBeGreaterThan(0);
  expect(late).toBeLessThan(50);
  const later = Date.UTC(2026, 5, 1);
  const resumed = world("driving", { segments: [...driving.segments, { fromLine: 1_000, startMs: later }] });
  expect(eventTimeMs(resumed, 999)).toBe(eventTimeMs(driving, 999));
  expect(Math.abs(eventTimeMs(resumed, 1_000) - later)).toBeLessThanOrEqual(30_000);
});

test("a car's reports lie within its day and follow each other every three seconds", () => {
  const status = world("status");
  for (const day of [0, 1, 5]) {
    const times = [0, 1, 1_199].map((report) => eventTimeMs(status, (day * 1_200 + report) * 100 + 42) - startMs);
    const [first = 0, , last = 0] = times;
    expect(first).toBeGreaterThan(day * 86_400_000 - 30_000);
    expect(last).toBeLessThan((day + 1) * 86_400_000 + 1_000);
    expect(Math.abs(last - first - 1_199 * 3_000)).toBeLessThan(31_000);
  }
});

test("garbage comes in the share asked for, one line each, and never looks like a line of ours", () => {
  const dirty = world("driving", { garbage: 0.01 });
  let count = 0;
  const kinds = new Set<string>();
  for (let k = 0; k < 50_000; k++) {
    if (!hasGarbage(dirty, k)) continue;
    count++;
    const bytes = garbageLine(dirty, k);
    expect(bytes.indexOf(0x0a)).toBe(bytes.length - 1);
    expect(bytes.toString("latin1").startsWith('{"line":')).toBe(false);
    kinds.add(bytes.length > 10_000 ? "long" : bytes[0] === 0xff ? "bytes" : bytes[0] === 0x5b ? "text" : "half");
  }
  expect(count).toBeGreaterThan(400);
  expect(count).toBeLessThan(600);
  expect(kinds.size).toBe(4);
  expect(hasGarbage(world("driving"), 1)).toBe(false);
});
