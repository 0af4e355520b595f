import { describe, expect, test } from "bun:test";
import { blockOf, type PlainRecord } from "../records/record-block.ts";
import { noonMs, shedMarker, testRecord } from "../testing/records.ts";
import { rowOf } from "./row.ts";

const at = { topic: "drive-topic", partition: 3 };
const row = (record: PlainRecord) => rowOf(blockOf([record]), 0, at);

describe("a record as a row", () => {
  test("of an edge: names, numbers and time of its identity", () => {
    expect(row(testRecord({ offset: 7, timeMs: noonMs + 5 }))).toEqual({
      ...at,
      ...{ vehicle: "car-1", stream: "drive", eventMs: noonMs + 5, edgeMs: noonMs + 5, kafkaMs: noonMs + 5, offset: 7 },
      ...{ agent: "gw1", epoch: "e1", lane: 0, seq: 7, shedTo: null, shedReason: null, body: Buffer.from("value 7") },
    });
  });

  test("of another producer: the topic is its stream, Kafka's time its time", () => {
    expect(row({ offset: 1, timeMs: noonMs, key: undefined, value: undefined, identity: undefined })).toMatchObject({
      ...{ vehicle: "(no key)", stream: "drive-topic", eventMs: noonMs, agent: null, seq: null, body: null },
    });
  });

  test("a marker says what was shed", () => {
    expect(row(shedMarker(9, 20, 40, "ttl"))).toMatchObject({ vehicle: "gw1", seq: 20, shedTo: 40, shedReason: "ttl" });
  });

  test.each([
    ["a name as long as a header may be", `${"a".repeat(300)}/e1/drive.0/1@5`],
    ["a number beyond all bounds", "gw1/e1/drive.0/9007199254740993@5"],
    ["a time beyond the calendar", "gw1/e1/drive.0/1@999999999999999"],
  ])("what claims %s is a row without an identity", (_, identity) => {
    const found = row({ ...testRecord({ offset: 1 }), timeMs: noonMs, identity });
    expect(found).toMatchObject({ stream: "drive-topic", eventMs: noonMs, agent: null, seq: null });
  });

  test("where the broker gives the time, the edge's is not known", () => {
    const block = { ...blockOf([testRecord({ offset: 1 })]), brokerTime: true };
    expect(rowOf(block, 0, at)).toMatchObject({ edgeMs: null, kafkaMs: noonMs + 1_000 });
  });

  test("a time of Kafka's that no calendar has is 1970", () => {
    const { kafkaMs, edgeMs } = row({ ...testRecord({ offset: 1 }), timeMs: -1e15 });
    expect([kafkaMs, edgeMs]).toEqual([0, 0]);
  });
});
