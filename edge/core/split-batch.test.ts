import { expect, test } from "bun:test";
import { RecordBatchBuilder } from "../../shared/kafka/record-batch/builder.ts";
import { crcMatches, readBatchHeader, stampBatch } from "../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import { testLane } from "../testing/fakes/test-batches.ts";
import { splitBatch } from "./split-batch.ts";

const lane = testLane("driving");

function batchOf(count: number, compression: "none" | "gzip" | "zstd") {
  const identity = { agent: "gw-1", epoch: "e1", stream: "driving", lane: 0 };
  const builder = new RecordBatchBuilder({ compression, identity });
  builder.begin(40);
  for (let index = 0; index < count; index++) {
    const value = Buffer.from([0xff, 0x00, index, 0x0a]);
    const headers = { headerNames: ["host", "ü"], headerValues: [`gw-${index}`, "straße"] };
    builder.append({
      buffer: value,
      start: 0,
      end: value.length,
      eventTimeMs: 1_700_000_000_000 - index * 7,
      key: index % 2 ? `car-${index}` : undefined,
      ...headers,
    });
  }
  return { ...builder.seal(), id: 1, lane, kind: "records" as const, first: 40 };
}

test.each(["none", "gzip", "zstd"] as const)("halves hold the records unchanged, in the same codec: %s", (codec) => {
  const batch = batchOf(7, codec);
  const before = [...decodeRecords(batch.bytes)].map(({ offsetDelta: _, ...rest }) => rest);
  const parts = splitBatch(batch);
  const after = parts.flatMap((part) => [...decodeRecords(part.bytes)]).map(({ offsetDelta: _, ...rest }) => rest);
  expect(after).toEqual(before);
  expect(parts.map(({ first, count }) => [first, count])).toEqual([
    [40, 3],
    [43, 4],
  ]);
  for (const part of parts) {
    expect(crcMatches(part.bytes)).toBe(true);
    expect(readBatchHeader(part.bytes).codecNumber).toBe(readBatchHeader(batch.bytes).codecNumber);
  }
});

test("time stamps that were moved for sending are moved back", () => {
  const batch = batchOf(4, "zstd");
  const times = [...decodeRecords(batch.bytes)].map((record) => record.timeMs);
  stampBatch(batch.bytes, batch.recordsCrc, { producerId: 1n, producerEpoch: 0, baseSequence: 0, shiftMs: 86_400_000 });
  const parts = splitBatch(batch);
  expect(parts.flatMap((part) => [...decodeRecords(part.bytes)]).map((record) => record.timeMs)).toEqual(times);
});
