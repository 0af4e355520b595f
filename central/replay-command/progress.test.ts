import { expect, test } from "bun:test";
import { noCounts } from "../store/replay-port.ts";
import { durationWords, outcomeLines, progressLine, type ReplayBody } from "./progress.ts";

const job: ReplayBody = {
  id: 3,
  state: "running",
  definition: { recordsPerSecondMax: 10, into: { kind: "store" } },
  askedBy: "ops",
  askedAtMs: 0,
  changedAtMs: 0,
  progress: { resolved: true, done: 300, total: 1_000, fraction: 0.3, recordsPerSecond: 100, etaMs: 7_000 },
  counts: noCounts,
  partitions: [],
  gone: [],
  notes: [],
};

test("a job says how far it is, how fast, and how long", () => {
  expect(progressLine(job)).toBe("#3 running [######              ] 30.0 % · 300 of 1,000 offsets · 100/s · 7 s to go");
  const nearly = { ...job.progress, done: 9_999, total: 10_000, fraction: 0.9999 };
  expect(progressLine({ ...job, progress: nearly })).toContain("[################### ] 99.9 %");
  const { etaMs: _, ...unknown } = { ...job.progress, resolved: false, recordsPerSecond: 0, fraction: 0 };
  expect(progressLine({ ...job, progress: unknown, trouble: "Kafka is away" })).toBe(
    "#3 running [                    ] 0.0 % · asking Kafka for its range · Kafka is away",
  );
});

test("one that is over says what became of the records, and what it could not read", () => {
  const gone = [{ topic: "drive", partition: 0, firstOffset: 0, lastOffset: 9, certain: false }];
  expect(outcomeLines({ ...job, counts: { ...noCounts, read: 1_200, stored: 7 }, gone, error: "too large" })).toEqual([
    "read 1,200, stored 7",
    "No longer in Kafka: drive/0, offsets 0 to 9, as far as anybody can know",
    "too large",
  ]);
  expect(outcomeLines(job)).toEqual(["Nothing was read."]);
});

test.each([
  [400, "1 s"],
  [59_000, "59 s"],
  [61_000, "1 min 1 s"],
  [7_260_000, "2 h 1 min"],
])("%d ms are %s", (ms, words) => {
  expect(durationWords(ms)).toBe(words);
});
