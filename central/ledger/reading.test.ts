import { expect, test } from "bun:test";
import { MemoryLedger } from "../testing/memory-ledger.ts";
import { noonMs, shedMarker, testRecord } from "../testing/records.ts";

const range = (from: number, to: number, vehicle = "car-1") =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index, vehicle }));
const eventsOf = (ledger: MemoryLedger, vehicle = "car-1") => ledger.series.get(`drive\0${vehicle}`)?.events ?? [];
const zero = { stored: 0, restored: 0, repeated: 0, conflicts: 0, suppressed: 0, refused: 0 };

test("replayed: what is there is a repeat outside of the lane's books, what was lost is put back, what is missing comes in", () => {
  const ledger = new MemoryLedger();
  ledger.append([...range(0, 5), ...range(7, 10)], noonMs);
  eventsOf(ledger).splice(2, 2);
  const plan = ledger.append(range(0, 10), noonMs, "replayed");
  expect(plan.counts).toMatchObject({ ...zero, stored: 2, restored: 2, repeated: 6 });
  expect([...ledger.lanes.values()][0]).toMatchObject({ repeated: 0, conflicts: 0, nextSeq: 10 });
  expect(
    eventsOf(ledger)
      .map(({ seq }) => seq)
      .sort((a, b) => a - b),
  ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(ledger.append(range(0, 10), noonMs, "replayed").counts).toMatchObject({ ...zero, repeated: 10 });
});

test("replayed: a number that comes twice in one append is put back once; other bytes are a conflict", () => {
  const ledger = new MemoryLedger();
  ledger.append(range(0, 3), noonMs);
  eventsOf(ledger).splice(0, 3);
  const again = [...range(0, 3), testRecord({ offset: 3, seq: 1 }), testRecord({ offset: 4, seq: 2, value: "other" })];
  const other = testRecord({ offset: 5, seq: 0, vehicle: "car-2" });
  const plan = ledger.append([...again, other], noonMs, "replayed");
  expect(plan.counts).toMatchObject({ ...zero, restored: 3, repeated: 1, conflicts: 2 });
});

test("live: a number that the books have and no event is a conflict, as ever", () => {
  const ledger = new MemoryLedger();
  ledger.append(range(0, 3), noonMs);
  eventsOf(ledger).splice(0, 3);
  expect(ledger.append(range(0, 1), noonMs).counts).toMatchObject({ ...zero, conflicts: 1 });
});

test("records without an identity are known by their place: put back once by a replay, new when they are redriven", () => {
  const foreign = (offset: number) => testRecord({ offset, identity: null });
  const ledger = new MemoryLedger();
  ledger.append([foreign(0), foreign(1)], noonMs);
  eventsOf(ledger).splice(1, 1);
  const replay = () => ledger.append([foreign(0), foreign(1)], noonMs, "replayed").counts;
  expect(replay()).toMatchObject({ ...zero, restored: 1, repeated: 1, withoutIdentity: 0 });
  expect(replay()).toMatchObject({ ...zero, repeated: 2 });
  expect(ledger.append([foreign(2)], noonMs, "redriven").counts).toMatchObject({
    ...zero,
    stored: 1,
    withoutIdentity: 1,
  });
});

test("what is read again takes nothing of the day's quota", () => {
  const quotas = { lanes: 9, series: 9, bytesPerDay: 1_000 };
  const ledger = new MemoryLedger(quotas);
  expect(ledger.append(range(0, 100), noonMs, "replayed").counts).toMatchObject({ ...zero, stored: 100 });
  expect(ledger.accounts.get("gw1")?.bytes).toBe(0);
});

test("an erased vehicle: its numbers are in the books, it has no event, no last state, and no conflict", () => {
  const ledger = new MemoryLedger();
  ledger.append(range(0, 3), noonMs);
  ledger.suppressed.add("car-1");
  ledger.series.clear();
  const plan = ledger.append([...range(0, 5), testRecord({ offset: 5, vehicle: "car-2" })], noonMs);
  expect(plan.counts).toMatchObject({ ...zero, stored: 1, suppressed: 2, repeated: 3 });
  expect([...plan.withheld]).toEqual([["car-1", 2]]);
  expect(plan.series.map(({ vehicle }) => vehicle)).toEqual(["car-2"]);
  const [lane] = ledger.lanes.values();
  expect([...(lane?.ranges.values() ?? [])]).toMatchObject([{ first: 0, last: 5, kind: "received" }]);
  const replayed = ledger.append([...range(0, 5), shedMarker(9, 6, 8)], noonMs, "replayed");
  expect(replayed.counts).toMatchObject({ ...zero, repeated: 5, shed: 3 });
  ledger.suppressed.clear();
  expect(ledger.append(range(0, 5), noonMs, "replayed").counts).toMatchObject({ ...zero, restored: 5 });
});
