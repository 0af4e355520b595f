/**
 * What interceptors cost a line: `bun scripts/bench/edge/interceptors.bench.ts`. The budget of the hot path: filter and
 * key together at most 0.35 µs for a line of 200 bytes. Each figure is the median of nine runs, the reset of the view in it.
 */
import { EventView } from "../../../edge/core/event-view.ts";
import type { Interceptor } from "../../../edge/core/interceptor.ts";
import regexExtractor from "../../../edge/interceptors/regex-extractor/index.ts";
import regexFilter from "../../../edge/interceptors/regex-filter.ts";
import timestamp from "../../../edge/interceptors/timestamp.ts";
import { createComponent, fakeContext } from "../../../edge/testing/fakes/component.ts";

const lineCount = 5_000;
const lines = Array.from({ length: lineCount }, (_, n) =>
  JSON.stringify({
    time: new Date(1_763_600_000_000 + n * 1000).toISOString(),
    seq: n,
    car: `KA-${1000 + (n % 100)}`,
    speed: n % 140,
    accelerator: (n % 100) / 100,
    brake: 0,
    steering: -12.5,
    signal: "off",
    area: `A-${n % 17}`,
    latitude: 37.5,
    longitude: 127.25,
  }),
);
const buffer = Buffer.from(`${lines.join("\n")}\n`);
const ends: number[] = [];
for (let at = buffer.indexOf(10); at >= 0; at = buffer.indexOf(10, at + 1)) ends.push(at);

const filter = createComponent(regexFilter, { include: '"speed":\\d+' }, fakeContext());
const safeFilter = createComponent(regexFilter, { include: '.*"speed":\\d+.*' }, fakeContext());
const keyByPattern = createComponent(regexExtractor, { key: '"car":"([^"]+)"' }, fakeContext());
const keyByField = createComponent(regexExtractor, { key: { json: "car" } }, fakeContext());
const timeByField = createComponent(
  regexExtractor,
  { time: { from: { json: "time" }, format: "iso8601" } },
  fakeContext(),
);
const lastField = createComponent(regexExtractor, { key: { json: "longitude" } }, fakeContext());
const cases: readonly (readonly [string, readonly Interceptor[]])[] = [
  ["nothing (the loop)", []],
  ["filter", [filter]],
  ["filter on the safe engine", [safeFilter]],
  ["filter + key by pattern", [filter, keyByPattern]],
  ["filter + key by JSON field", [filter, keyByField]],
  ["key by the last JSON field", [lastField]],
  ["key + time by JSON field", [keyByField, timeByField]],
  ["timestamp header", [createComponent(timestamp, {}, fakeContext())]],
];

console.log(`${lineCount} lines of ${(buffer.length / lineCount).toFixed(0)} bytes`);
for (const [name, chain] of cases) {
  const runs = Array.from({ length: 9 }, () => microsecondsPerLine(chain)).sort((a, b) => a - b);
  console.log(`${name.padEnd(28)} ${runs[4]?.toFixed(3)} µs a line (${runs[0]?.toFixed(3)}–${runs[8]?.toFixed(3)})`);
}

function microsecondsPerLine(chain: readonly Interceptor[]): number {
  const rounds = 20;
  const view = new EventView();
  let kept = 0;
  const begin = performance.now();
  for (let round = 0; round < rounds; round++) {
    let start = 0;
    for (const end of ends) {
      view.reset(buffer, start, end, 1_763_600_000_000);
      let keep = true;
      for (const interceptor of chain) keep = keep && interceptor.intercept(view);
      if (keep) kept++;
      start = end + 1;
    }
  }
  if (kept !== rounds * lineCount) throw new Error(`kept ${kept} lines of ${rounds * lineCount}`);
  return ((performance.now() - begin) * 1_000) / (rounds * lineCount);
}
