import { expect, test } from "bun:test";
import { blockOf } from "../records/record-block.ts";
import { noonMs, testRecord } from "../testing/records.ts";
import { RecordFilter } from "./filter.ts";

const whole = { from: 0, to: 1_000 };

function offsets(filter: RecordFilter, records: readonly ReturnType<typeof testRecord>[], span = whole): number[] {
  const { slices } = filter.slices(blockOf(records), "drive", span);
  return slices.flatMap(({ block, from, to }) => [...block.offsets.subarray(from, to)]);
}

test("a range by time goes by each record's own time: first inclusive, last exclusive, in any order", () => {
  const filter = new RecordFilter({ from: { timeMs: noonMs }, to: { timeMs: noonMs + 10 } });
  const times = [noonMs - 1, noonMs, noonMs + 50, noonMs + 9, noonMs + 10, noonMs + 5];
  const records = times.map((timeMs, offset) => testRecord({ offset, timeMs }));
  expect(offsets(filter, records)).toEqual([1, 3, 5]);
});

test("offsets outside of the span are not even counted as read: a fetch begins at a batch's start", () => {
  const records = Array.from({ length: 10 }, (_, offset) => testRecord({ offset }));
  const { slices, read } = new RecordFilter({}).slices(blockOf(records), "drive", { from: 3, to: 7 });
  expect(read).toBe(4);
  expect(slices).toMatchObject([{ from: 3, to: 7 }]);
});

test("by vehicle and stream, as the store names them: no key is the agent, no identity the topic", () => {
  const records = [
    testRecord({ offset: 0, vehicle: "car-1" }),
    testRecord({ offset: 1, vehicle: "car-2" }),
    testRecord({ offset: 2, vehicle: "car-1", stream: "faults" }),
    { ...testRecord({ offset: 3 }), key: undefined },
    testRecord({ offset: 4, vehicle: "car-1", identity: null }),
    { ...testRecord({ offset: 5, identity: null }), key: undefined },
  ];
  expect(offsets(new RecordFilter({ vehicle: "car-1" }), records)).toEqual([0, 2, 4]);
  expect(offsets(new RecordFilter({ vehicle: "gw1" }), records)).toEqual([3]);
  expect(offsets(new RecordFilter({ vehicle: "(no key)" }), records)).toEqual([5]);
  expect(offsets(new RecordFilter({ vehicle: "car-1", stream: "drive" }), records)).toEqual([0, 4]);
  expect(offsets(new RecordFilter({ stream: "faults" }), records)).toEqual([2]);
});
